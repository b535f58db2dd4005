"""``orderline producers show``."""

import asyncio

from rich.text import Text

from schemas.orders import stamp
from worker.cli.output import Json, print_json, print_pairs, say
from worker.cli.producers.listing import (
    Shown,
    as_object,
    secrets_in_words,
    state_of,
    with_their_orders,
)
from worker.cli.producers.named import Name
from worker.cli.session import opened
from worker.store import producers
from worker.store.views_story import shown_url
from worker.streams import stream_of


def show(name: Name, *, as_json: Json = False) -> None:
    """Tell everything about one producer but its secrets.

    Example: orderline producers show shop-eu
    """
    shown = asyncio.run(_find(name))
    found = shown.producer
    if as_json:
        print_json(as_object(shown))
        return
    say(Text(found.name, style="bold"))
    print_pairs(
        [
            ("state", state_of(found)),
            ("stream", stream_of(found.name)),
            ("tells", shown_url(found.notify_url)),
            ("also at", ", ".join(found.notify_hosts) or None),
            ("open", _open(shown)),
            ("registered", stamp(found.created_at)),
            ("secret since", secrets_in_words(found)),
        ]
    )


def _open(shown: Shown) -> str:
    whose = "its own limit" if shown.producer.max_open else "ORDERLINE_OPEN_PER_PRODUCER"
    return f"{shown.crowd} orders ({whose})"


async def _find(name: str) -> Shown:
    async with opened() as session:
        found = await producers.find(session.db, name)
        [shown] = await with_their_orders(session, [found])
        return shown
