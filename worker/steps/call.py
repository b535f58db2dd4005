"""Make a call that may commit money, or give it back: token, attempt (commit), call, decision.

What ``place``, ``confirm`` and ``cancel`` share. The order of things is the promise: nothing is
sent before its attempt is on disk, and nothing is sent after the moment until which the attempt's
own window check holds.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Final, assert_never

from schemas.ids import AttemptId, new_uuid
from worker.change import Change, begun
from worker.decisions import Decider
from worker.desk import Desk
from worker.http import Deadline
from worker.lifecycle import UNDER_WAY, Step
from worker.logs import about_attempt
from worker.metrics.meters import Call
from worker.order import Attempted, Claimed, Ordered
from worker.outcome import Confirmed, InDoubt, NotSent, Outcome
from worker.runtime import Runtime
from worker.skew import Ahead, earlier
from worker.steps.answer import answer
from worker.steps.decided import Decided, Learnt
from worker.steps.ready import ready
from worker.store.attempts import NewAttempt, NotOpened, Opened

Verb = Callable[[Ordered, Attempted, Deadline, str | None], Awaitable[Outcome]]
"""``Provider.place``, ``confirm`` or ``cancel``."""
Asking = Callable[[str | None], Awaitable[Outcome]]
"""The same about one order: only the access token is missing."""

_CUT: Final = InDoubt("the worker was stopped while it waited for the answer")


async def call(claimed: Claimed, step: Step, verb: Verb, desk: Desk, rt: Runtime) -> Decided:
    """Attempt one call, and decide by what it came to."""
    decider = desk.decider_for(claimed)
    instead = decider.before_call(claimed, step, rt.chance())
    if instead is not None:
        return Decided(claimed, instead)
    token = await ready(desk, rt)
    if isinstance(token, NotSent):
        return Decided(claimed, decider.not_started(claimed, step, token, rt.chance()))
    deadline = Deadline.after(start=desk.start_grace, total=desk.total, now=rt.clock.monotonic())
    new = _new_attempt(claimed, step, desk, decider)
    asked_at = rt.clock.now()
    opened = await rt.attempts.write(new)
    match opened:
        case NotOpened.FENCED:
            # Another worker holds the order. It may have found our attempt on disk, if a commit
            # came through whose answer did not: then only we know that nothing was sent.
            attempt = _attempted(new, Opened(0, claimed.now, claimed.now))
            unsent = NotSent("the lease was lost before anything was sent")
            return _decided(claimed, attempt, unsent, decider, rt)
        case NotOpened.WINDOW_CLOSED:
            return Decided(claimed, decider.window_closed(claimed))
        case NotOpened.SURPLUS:
            return Decided(claimed, decider.surplus_found(claimed))
        case Opened():
            attempt, now = _attempted(new, opened), rt.clock.now()
            about_attempt(attempt.number)
            rt.database_clock.saw(Ahead.seen(asked_at, opened.sent_at, now), now)
        case _:
            assert_never(opened)
    order = desk.addressed(claimed.order)
    desk.budget.called()
    ask = partial(verb, order, attempt, deadline)
    outcome = await _ask(ask, Call(step), token, desk, rt)
    desk.note(outcome, rt.clock.monotonic())
    decided = _decided(claimed, attempt, _in_our_time(outcome, decider, desk, rt), decider, rt)
    return replace(decided, change=_within_budget(claimed, step, decided.change, decider, desk, rt))


def _in_our_time(outcome: Outcome, decider: Decider, desk: Desk, rt: Runtime) -> Outcome:
    """The provider judges its quote by its own clock, we by the database's."""
    theirs = decider.capabilities.ends_quotes
    if not theirs or not isinstance(outcome, Confirmed) or outcome.expires_at is None:
        return outcome
    ends = earlier(outcome.expires_at, desk.channel.watch, rt.database_clock)
    return replace(outcome, expires_at=ends)


def _within_budget(
    claimed: Claimed, step: Step, change: Change, decider: Decider, desk: Desk, rt: Runtime
) -> Change:
    """The change, put off where it makes the call once more and the account may not so soon."""
    if change.step is not step or change.tries <= claimed.tries:
        return change
    until = desk.budget.retry_in(rt.clock.monotonic())
    return decider.put_off(claimed, step, change, until)


def _new_attempt(claimed: Claimed, step: Step, desk: Desk, decider: Decider) -> NewAttempt:
    """The attempt to open, or the one in doubt whose request is sent again as it was."""
    new = NewAttempt(
        attempt_id=AttemptId(new_uuid()),
        order_id=claimed.order.order_id,
        fence=claimed.fence,
        state=UNDER_WAY.get(step, claimed.state),
        step=step,
        reference=new_uuid().hex,
        lease=desk.lease,
        needs=decider.window_of(step),
        commits=decider.commits(step),
    )
    before = claimed.attempt
    if before is None or not decider.unsettled(claimed, step):
        order = desk.addressed(claimed.order)
        return replace(new, request=desk.provider.request(order, step, new.reference))
    return replace(
        new,
        attempt_id=before.attempt_id,
        reference=before.reference,
        sends=before.sends + 1,
        request=before.request,
    )


def _attempted(new: NewAttempt, opened: Opened) -> Attempted:
    return Attempted(
        attempt_id=new.attempt_id,
        number=opened.number,
        step=new.step,
        reference=new.reference,
        opened_at=opened.opened_at,
        sent_at=opened.sent_at,
        sends=new.sends,
        request=new.request,
    )


async def _ask(ask: Asking, kind: Call, token: str | None, desk: Desk, rt: Runtime) -> Outcome:
    outcome = await _send(ask, kind, token, desk, rt)
    if not (isinstance(outcome, NotSent) and outcome.token_rejected):
        return outcome
    renewed = await ready(desk, rt, rejected=token)
    if isinstance(renewed, NotSent):
        return renewed
    return await _send(ask, kind, renewed, desk, rt)


async def _send(ask: Asking, kind: Call, token: str | None, desk: Desk, rt: Runtime) -> Outcome:
    held_up = await desk.depart()
    if held_up is not None:
        return held_up
    began = perf_counter()
    outcome = await answer(ask, token, rt, cut=_CUT)
    rt.meters.calls[desk.key].ended(kind, outcome, perf_counter() - began)
    return outcome


def _decided(
    claimed: Claimed, attempt: Attempted, outcome: Outcome, decider: Decider, rt: Runtime
) -> Decided:
    chance = rt.chance()

    def decide(current: Claimed) -> Change:
        return decider.after_call(begun(current, attempt), attempt.step, outcome, chance)

    learnt = None if isinstance(outcome, InDoubt) else Learnt(attempt, outcome, decide)
    return Decided(begun(claimed, attempt), decide(claimed), learnt)
