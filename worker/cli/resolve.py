"""``orderline resolve``."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from schemas.orders import OrderView
from worker.cli.named import OrderName, find_order
from worker.cli.operator import By
from worker.cli.output import Json, print_json, say
from worker.cli.session import opened
from worker.operating.hand import Hand
from worker.operating.resolving import Said, Verdict
from worker.operating.resolving import decide as decide_about
from worker.operating.words import Unfit, read_id, read_why
from worker.store import views
from worker.store.tables_operators import Via


def _why(value: str) -> str:
    try:
        return read_why(value)
    except Unfit as fault:
        raise typer.BadParameter(str(fault)) from None


def _ref(value: str | None) -> str | None:
    try:
        return None if value is None else read_id(value)
    except Unfit as fault:
        raise typer.BadParameter(str(fault)) from None


def decide(
    name: OrderName,
    *,
    said: Annotated[Said, typer.Option("--as", help="What you found out.")],
    why: Annotated[
        str, typer.Option(metavar="TEXT", callback=_why, help="How you know it, for the record.")
    ],
    ref: Annotated[
        str | None,
        typer.Option(metavar="ID", callback=_ref, help="The provider's id of the order."),
    ] = None,
    line: Annotated[
        list[str] | None,
        typer.Option(metavar="DELIVERID=ID", help="The provider's id of a line."),
    ] = None,
    by: By,
    unchecked: Annotated[
        bool,
        typer.Option("--unchecked", help="Do not ask the provider whether it has that order."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what was found out about a parked order, once; it then goes on by itself.

    placed: the provider has it. refused: it does not, and that is the end of it. resend: it does
    not, and it is bought now. cancelled: it was called off there. And of a surplus order, named by
    --ref: returned (given back or called off there) or kept. `orderline parked` says which of these
    can be said. It is recorded who decided, when and why, and nothing is ever decided twice.

    Example: orderline resolve 100045 --as placed --ref 9876 --why "seen in their panel"
    """
    verdict = Verdict(
        said=said, why=why, ref=ref, line_refs=_line_refs(line or ()), unchecked=unchecked
    )
    order = asyncio.run(_decide(name, verdict, Hand(by, Via.COMMAND)))
    if as_json:
        print_json({"decision": said, "by": by, "order": order})
    else:
        say(f"Order {order.order_id} is recorded as {said} by {by}. {order.next}")


def _line_refs(given: Sequence[str]) -> dict[str, str]:
    """``DELIVERID=ID`` as a mapping; a DeliverID may hold the sign itself."""
    pairs = [each.rpartition("=") for each in given]
    if any(not (deliver_id and _ref(ref)) for deliver_id, _, ref in pairs):
        raise typer.BadParameter("--line wants DELIVERID=ID")
    return {deliver_id: ref for deliver_id, _, ref in pairs}


async def _decide(name: str, verdict: Verdict, hand: Hand) -> OrderView:
    async with opened() as session:
        order = await find_order(session.db, name)
        async with session.runtime() as rt:
            await decide_about(rt, order, verdict, hand)
        [after] = await views.find(session.db, str(order.order_id))
        return after
