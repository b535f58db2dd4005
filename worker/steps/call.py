"""Make a call that may commit money: token, attempt (commit), call, decision.

What ``place`` and ``confirm`` share. The order of things is the promise: nothing is sent before
its attempt is on disk, and nothing is sent after the moment until which the attempt's own
window check holds.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import assert_never

from schemas.ids import AttemptId, new_uuid
from worker.change import Change
from worker.desk import Desk
from worker.http import Deadline
from worker.lifecycle import UNDER_WAY, Step
from worker.logs import get_logger
from worker.order import Attempted, Claimed, Ordered
from worker.outcome import InDoubt, NotSent, Outcome
from worker.runtime import Runtime
from worker.steps.decided import Decided, Learnt
from worker.store.attempts import NewAttempt, NotOpened, Opened

log = get_logger(__name__)

Verb = Callable[[Ordered, Attempted, Deadline, str | None], Awaitable[Outcome]]
"""``Provider.place`` or ``Provider.confirm``."""


async def call(claimed: Claimed, step: Step, verb: Verb, desk: Desk, rt: Runtime) -> Decided | None:
    """Attempt one call; ``None`` when the order is no longer ours and nothing was sent."""
    if claimed.left_open:
        return Decided(claimed, desk.decider.left_open(claimed, rt.chance()))
    token = await desk.token()
    if isinstance(token, NotSent):
        return Decided(claimed, desk.decider.not_started(claimed, step, token, rt.chance()))
    deadline = Deadline.after(start=desk.start_grace, total=desk.total, now=rt.clock.monotonic())
    new = NewAttempt(
        attempt_id=AttemptId(new_uuid()),
        order_id=claimed.order.order_id,
        fence=claimed.fence,
        state=UNDER_WAY[step],
        step=step,
        reference=new_uuid().hex,
        lease=desk.lease,
        needs=desk.decider.needs,
    )
    opened = await rt.attempts.write(new)
    match opened:
        case NotOpened.FENCED:
            return None
        case NotOpened.WINDOW_CLOSED:
            return Decided(claimed, desk.decider.window_closed(claimed))
        case Opened():
            attempt = Attempted(
                attempt_id=new.attempt_id,
                number=opened.number,
                reference=new.reference,
                opened_at=opened.opened_at,
            )
        case _:
            assert_never(opened)
    outcome = await _ask(partial(verb, claimed.order, attempt, deadline), token, desk, rt)
    return _decided(claimed, step, attempt, outcome, desk, rt)


async def _ask(
    ask: Callable[[str | None], Awaitable[Outcome]], token: str | None, desk: Desk, rt: Runtime
) -> Outcome:
    outcome = await _answer(ask, token, rt)
    if not (isinstance(outcome, NotSent) and outcome.token_rejected):
        return outcome
    renewed = await desk.token(rejected=token)
    if isinstance(renewed, NotSent):
        return renewed
    return await _answer(ask, renewed, rt)


async def _answer(
    ask: Callable[[str | None], Awaitable[Outcome]], token: str | None, rt: Runtime
) -> Outcome:
    try:
        return await rt.calls.make(
            lambda: ask(token),
            unmade=NotSent("the worker is stopping"),
            cut=InDoubt("the worker was stopped while it waited for the answer"),
        )
    except Exception as error:
        # A bug in an adapter: the request may have left, so this is doubt like any other.
        log.exception("adapter_failed", error=type(error).__name__)
        return InDoubt(f"our adapter failed: {type(error).__name__}")


def _decided(
    claimed: Claimed, step: Step, attempt: Attempted, outcome: Outcome, desk: Desk, rt: Runtime
) -> Decided:
    chance = rt.chance()

    def with_attempt(current: Claimed) -> Claimed:
        return replace(current, attempt=attempt, attempt_step=step, look_ups=0)

    def decide(current: Claimed) -> Change:
        return desk.decider.after_call(with_attempt(current), step, outcome, chance)

    learnt = None if isinstance(outcome, InDoubt) else Learnt(attempt, outcome, decide)
    return Decided(with_attempt(claimed), decide(claimed), learnt)
