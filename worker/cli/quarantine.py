"""``orderline quarantine``."""

import asyncio
from typing import Annotated, Final

import typer

from schemas.orders import QuarantineView, stamp
from worker.cli.output import Column, Json, print_json, print_table
from worker.cli.session import opened
from worker.store.views_upkeep import quarantined

_COLUMNS: Final = (
    Column("at", whole=True),
    Column("producer", whole=True),
    Column("stream entry", whole=True),
    Column("code"),
    Column("where"),
    Column("why"),
)


def quarantine(
    *,
    producer: Annotated[str | None, typer.Option(help="Only of this producer.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List intents that could not become orders, newest first: who, where and why.

    What such an intent said is not shown: it may hold anything.

    Example: orderline quarantine --producer shop-eu
    """
    found = asyncio.run(_read(producer, limit))
    if as_json:
        print_json(found)
        return
    rows = [
        [stamp(q.at), q.producer, q.entry_id, q.code, q.path or "the whole intent", q.detail]
        for q in found
    ]
    print_table(_COLUMNS, rows, "No intent is in quarantine.")


async def _read(producer: str | None, limit: int) -> list[QuarantineView]:
    async with opened() as session:
        return await quarantined(session.db, producer=producer, limit=limit)
