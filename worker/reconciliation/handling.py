"""Doing about a difference what its rule says: ask the provider, write a price down, or alarm."""

from dataclasses import replace
from functools import partial
from typing import Final

from worker.books import Difference, DifferenceKind, Rule
from worker.change import Change
from worker.decisions import disputes
from worker.decisions.disputes import Settled
from worker.desk import Desk
from worker.lifecycle import LineState
from worker.logs import about, get_logger
from worker.metrics.meters import Call
from worker.order import Claimed, Ordered
from worker.outcome import Confirmed, Pending
from worker.runtime import Runtime
from worker.steps.ask import ask_about
from worker.store import claims, differences
from worker.store.claimed import peek
from worker.store.differences import Found
from worker.store.orders import Settling
from worker.store.tables_books import Handling

log = get_logger(__name__)

ASKING: Final = frozenset({Rule.MOVE, Rule.PARK, Rule.ATTACH})
"""The rules by which the provider is asked about the order."""

_ALARMING: Final = frozenset({Rule.ALERT, Rule.PARK})


async def handle(found: Found, desk: Desk, rt: Runtime) -> None:
    """Deal with one difference, as far as that can be done now.

    What cannot stays open: the next run sees it again. What a person has to do stays open, too.
    """
    with about(order=found.difference.order_id):
        await _handle(found, desk, rt)


async def _handle(found: Found, desk: Desk, rt: Runtime) -> None:
    difference = found.difference
    handling = await _handling(difference, desk, rt)
    if found.fresh and difference.rule in _ALARMING and handling is not Handling.AGREED:
        log.warning(
            "order_needs_attention",
            order=str(difference.order_id),
            reason=f"books.{difference.kind}",
        )
    if handling is not None:
        unattached = difference.rule is Rule.ATTACH and handling is Handling.PARKED
        stays = difference.rule is Rule.ALERT or unattached
        await differences.handled(rt.db, found.difference_id, handling, stays=stays)


async def _handling(difference: Difference, desk: Desk, rt: Runtime) -> Handling | None:
    match difference.rule:
        case Rule.REPORT:
            return None
        case Rule.RECORD | Rule.ALERT:
            await differences.charge(rt.db, difference)
            return Handling.RECORDED
        case Rule.PARK if difference.kind is DifferenceKind.SURPLUS_ORDER:
            await differences.add_surplus(rt.db, difference)
            return Handling.SURPLUS
        case Rule.PARK | Rule.MOVE | Rule.ATTACH:
            return await _ask_about(difference, desk, rt)


async def _ask_about(difference: Difference, desk: Desk, rt: Runtime) -> Handling | None:
    """Ask the provider about the order itself, and follow what it says."""
    assert difference.order_id is not None  # noqa: S101 -- the rules that ask are about orders
    claimed = await claims.claim_one(
        rt.db, rt.vault, difference.order_id, worker=rt.worker, lease=desk.lease
    )
    if claimed is None:
        return await _ask_about_ended(difference, desk, rt)
    change, settled = await _asked(claimed, difference, desk, rt)
    written = await rt.changes.write(Settling(change))
    if not written.held:
        return None
    attached = settled is Settled.FOLLOWED and difference.rule is Rule.ATTACH
    return Handling.ATTACHED if attached else _HANDLINGS[settled]


async def _asked(
    claimed: Claimed, difference: Difference, desk: Desk, rt: Runtime
) -> tuple[Change, Settled]:
    decider, provider = desk.decider_for(claimed), desk.provider
    if disputes.is_placed(claimed):
        question = partial(provider.poll, _all_open(claimed.order))
        outcome = await ask_about(Call.POLL, question, desk, rt)
        return disputes.polled(decider, claimed, difference, outcome, rt.chance())
    if claimed.attempt is None or not disputes.can_look_up(claimed):
        return disputes.unknown_call(claimed, difference)
    look_up = partial(provider.look_up, claimed.order, claimed.attempt)
    finding = await ask_about(Call.RECONCILE, look_up, desk, rt)
    return disputes.looked_up(decider, claimed, difference, finding, rt.chance())


async def _ask_about_ended(difference: Difference, desk: Desk, rt: Runtime) -> Handling | None:
    """An order that has ended is not moved any more: a person has to look, unless all is well."""
    assert difference.order_id is not None  # noqa: S101 -- see above
    orders = await peek(rt.db, rt.vault, [difference.order_id])
    if not orders or orders[0].finished_at is None or difference.rule is not Rule.PARK:
        return None
    question = partial(desk.provider.poll, _all_open(orders[0].order))
    said = await ask_about(Call.POLL, question, desk, rt)
    agrees = isinstance(said, Confirmed | Pending) and disputes.agrees(orders[0], said.lines)
    return Handling.AGREED if agrees else None


def _all_open(order: Ordered) -> Ordered:
    """The order as if nothing of it had ended: an adapter asks about what is open, and no more."""
    lines = tuple(replace(line, state=LineState.ACCEPTED) for line in order.lines)
    return replace(order, lines=lines)


_HANDLINGS: Final = {
    Settled.FOLLOWED: Handling.MOVED,
    Settled.AGREED: Handling.AGREED,
    Settled.PARKED: Handling.PARKED,
    Settled.OPEN: None,
}
"""What is written down of a dispute; an order that was to be attached and followed is that."""
