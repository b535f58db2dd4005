"""The whole stories of the orders that a verdict complains of, kept beside the logs.

The database is gone after a run, and a seed replays the troubles but not the very race.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import pydantic_core

from worker.chaos.evidence import Order
from worker.chaos.verdict import Verdict
from worker.crypto import Vault
from worker.store.session import Database
from worker.store.views_story import story

FILE: Final = "stories.json"

_MOST: Final = 50


async def keep_stories(
    db: Database, vault: Vault, orders: Sequence[Order], verdict: Verdict, home: Path
) -> None:
    """Write the story of each order that the verdict names, as ``orderline show --json`` would."""
    said = "\n".join(sentence for found in verdict.breaches.values() for sentence in found)
    said += verdict.gave_up or ""
    named = [order for order in orders if order.intent_id in said]
    stories = [await story(db, vault, UUID(order.order_id)) for order in named[:_MOST]]
    if stories:
        (home / FILE).write_bytes(pydantic_core.to_json(stories, indent=1))
