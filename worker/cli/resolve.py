"""``orderline resolve``."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

import typer

from schemas.ids import OrderId
from schemas.orders import OrderView
from worker.cli.named import OrderName, find_order
from worker.cli.operator import By
from worker.cli.output import Json, print_json, say
from worker.cli.session import Session, opened
from worker.decisions.resolutions import Decision, Resolution
from worker.steps.resolve import Undecidable, resolve
from worker.store import surplus, views
from worker.store.tables import SurplusDecision
from worker.store.views_story import story

_LONGEST: Final = 200
_LONGEST_WHY: Final = 1000


@dataclass(frozen=True, slots=True)
class Given:
    """What stands beside a decision."""

    by: str
    why: str
    ref: str | None
    line_refs: Mapping[str, str]
    """The provider's ids by DeliverID."""


_RESOLVED: Final = "order.resolved"


class Said(StrEnum):
    """What may be said: of a parked order or, the last two, of a surplus order."""

    PLACED = "placed"
    REFUSED = "refused"
    RESEND = "resend"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    KEPT = "kept"


def _why(value: str) -> str:
    if not 0 < len(value.strip()) <= _LONGEST_WHY:
        raise typer.BadParameter(f"1 to {_LONGEST_WHY} characters, for whoever reads it later")
    return value.strip()


def _ref(value: str | None) -> str | None:
    if value is not None and not (0 < len(value) <= _LONGEST and value.isprintable()):
        raise typer.BadParameter(f"an id is 1 to {_LONGEST} printable characters")
    return value


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
    given = Given(by, why, ref, _line_refs(line or ()))
    order = asyncio.run(_decide(name, said, given, unchecked=unchecked))
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


async def _decide(name: str, said: Said, given: Given, *, unchecked: bool) -> OrderView:
    async with opened() as session:
        order = await find_order(session.db, name)
        if said in {Said.RETURNED, Said.KEPT}:
            await _close_surplus(session, order, SurplusDecision(said), given)
        else:
            await _resolve(session, order, Resolution(said), given, unchecked=unchecked)
        [after] = await views.find(session.db, str(order.order_id))
        return after


async def _resolve(
    session: Session, order: OrderView, resolution: Resolution, given: Given, *, unchecked: bool
) -> None:
    told = await story(session.db, session.vault, order.order_id)
    ours = {line.deliver_id: line.line_ref for line in told.lines}
    if strangers := given.line_refs.keys() - ours.keys():
        named = ", ".join(sorted(strangers))
        raise Undecidable(f"Order {order.order_id} has no DeliverID {named}.")
    decision = Decision(
        resolution=resolution,
        by=given.by,
        why=given.why,
        ref=given.ref,
        line_refs={ours[deliver_id]: ref for deliver_id, ref in given.line_refs.items()},
    )
    try:
        async with session.runtime() as rt:
            await resolve(OrderId(order.order_id), decision, rt, unchecked=unchecked)
    except Undecidable as fault:
        before = [event.data for event in told.events if event.type == _RESOLVED]
        last = f" It was recorded as {before[-1]['as']} by {before[-1]['by']}." if before else ""
        raise Undecidable(f"Order {order.order_id} stays {order.state}: {fault}.{last}") from None


async def _close_surplus(
    session: Session, order: OrderView, decision: SurplusDecision, given: Given
) -> None:
    order_id = OrderId(order.order_id)
    refs = (await surplus.still_open(session.db, [order_id])).get(order_id, ())
    ref = given.ref
    if ref is None and len(refs) == 1:
        [ref] = refs
    elif ref not in refs:
        named = ", ".join(each or "one without an id" for each in refs) or "none"
        raise Undecidable(
            f"Order {order_id} has no such open surplus order; say which by --ref (open: {named})."
        )
    if not await surplus.close(session.db, order_id, ref, decision, by=given.by, why=given.why):
        raise Undecidable("Somebody else was faster; look at it again with `orderline parked`.")
