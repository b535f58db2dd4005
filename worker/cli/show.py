"""``orderline show``."""

import asyncio
from typing import Annotated

import typer

from schemas.orders import OrderStory
from worker.cli.named import OrderName, find_order
from worker.cli.output import Json, print_json
from worker.cli.session import opened
from worker.cli.story import tell
from worker.store.views_story import story


def show(
    name: OrderName,
    *,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show the personal data in the intent, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Tell the whole story of one order: asked, tried, delivered, told, and what happens next.

    Delivered codes are never shown, only counted. Of one that was purged long after its end, only
    that end is told, as an error: 1 is the exit code.

    Example: orderline show 100045-1
    """
    told, max_tries = asyncio.run(_read(name, reveal=reveal))
    if as_json:
        print_json(told)
    else:
        tell(told, max_tries)


async def _read(name: str, *, reveal: bool) -> tuple[OrderStory, int]:
    async with opened() as session:
        order = await find_order(session.db, name)
        told = await story(session.db, session.vault, order.order_id, reveal=reveal)
        return told, session.settings.max_tries
