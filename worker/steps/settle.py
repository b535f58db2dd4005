"""Write what a step decided, and start the first deliveries at once."""

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from worker.change import Change, LineMove
from worker.desk import Desk
from worker.lanes import lane_of
from worker.logs import get_logger
from worker.outcome import Confirmed, Pending, name_of
from worker.pump import Pump
from worker.runtime import Runtime
from worker.steps.decided import Decided, Learnt
from worker.store import attempts, claims
from worker.store.batch import insist
from worker.store.notifications import Owed, told
from worker.store.orders import NOT_HELD, Settled, Settling

_ALARMING: Final = frozenset(
    {
        "order.charged_above_max",
        "order.charge_unknown",
        "order.surplus_found",
        "order.parked",
    }
)
"""Events of an order that somebody should look at, beside being in its story."""

ELSEWHERE: Final = "elsewhere"
"""What became of an order whose lease went to another worker."""

log = get_logger(__name__)


async def settle(decided: Decided, desk: Desk, mail: Pump[Owed], rt: Runtime) -> Settled:
    """Commit a change and begin telling its producer.

    Where our lease was lost meanwhile nothing is written, except what we learnt: see ``_late``.
    """
    keep = desk.lease if decided.change.goes_on else None
    settled = await write(decided.change, keep, mail, rt)
    if not settled.held and decided.learnt is not None:
        await _late(decided, decided.learnt, desk, mail, rt)
    return settled


async def write(change: Change, keep: timedelta | None, mail: Pump[Owed], rt: Runtime) -> Settled:
    """Commit a change under its fence, with the first deliveries that there are permits for.

    Not at once goes what has no room in its lane, or whose endpoint failed it last: ``collect``
    decides about those. A lane is entered after the commit: what is being written keeps nobody from
    the endpoint. So a batch may find room for more than there is, once.

    ``keep`` holds on to the order's lease for that long.
    """
    wanted = len(change.moves)
    lane = lane_of(change.producer, change.notify_url)
    first_hand = wanted > 0 and rt.lanes.may_enter(lane, wanted, mail.idle) and mail.reserve(wanted)
    settled = NOT_HELD
    try:
        settled = await rt.changes.write(
            Settling(change, keep=keep, deliver_for=rt.delivery_lease if first_hand else None)
        )
    finally:
        if first_hand:
            if settled.leased:
                rt.lanes.enter(lane, len(settled.leased))
            mail.give_back(wanted - len(settled.leased))
    if settled.at is not None:
        _call_attention(change)
        for move in change.moves:
            if move.event_id in settled.leased:
                mail.start(_owed(change, move, settled.at))
    if wanted > len(settled.leased):
        mail.ring()
    return settled


def _call_attention(change: Change) -> None:
    for event in change.events:
        if event.type in _ALARMING:
            log.warning("order_needs_attention", order=str(change.order_id), reason=event.type)


async def _late(
    decided: Decided, learnt: Learnt, desk: Desk, mail: Pump[Owed], rt: Runtime
) -> None:
    """Our lease ended before the answer came. Nobody else can know it, so it is not thrown away.

    While the attempt is still the newest and unsettled, its order is seized and settled by what
    we know; what follows is due, for whoever claims it. Where somebody else took the order before
    that was written, it is seized once more. Otherwise the order has gone on without it: the
    outcome is noted with the attempt.
    """
    attempt, outcome = learnt.attempt, learnt.outcome
    # A yes is true of the order whatever was sent since; all else only of that very sending.
    known_of = None if isinstance(outcome, Confirmed | Pending) else decided.change.fence
    seize = partial(
        claims.seize,
        rt.db,
        rt.vault,
        attempt_id=attempt.attempt_id,
        fence=known_of,
        worker=rt.worker,
        lease=desk.lease,
    )
    log.warning("late_outcome", attempt=attempt.number, outcome=name_of(outcome))
    while (current := await insist(seize, "late")) is not None:
        if (await write(learnt.decide(current), None, mail, rt)).held:
            return
    reason = "superseded: the answer came after the order had gone on"
    note = partial(attempts.note_late, rt.db, attempt, outcome, reason, known_of)
    if await insist(note, "late"):
        order = str(decided.change.order_id)
        log.warning("order_needs_attention", order=order, reason="order.surplus_found")


def _owed(change: Change, move: LineMove, at: datetime) -> Owed:
    goods = None if move.goods is None else move.goods.items
    return Owed(
        event_id=move.event_id,
        subject=move.line_id,
        producer=change.producer,
        url=change.notify_url,
        fence=1,
        tries=0,
        notification=told(move.type, at, move.news, goods),
    )
