"""Ask the provider something that changes nothing there. What ``poll`` and ``reconcile`` share."""

from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter
from typing import TypeVar

from worker.desk import Desk
from worker.http import Deadline
from worker.metrics.meters import Call
from worker.outcome import InDoubt, LookUp, NotSent
from worker.runtime import Runtime
from worker.steps.answer import Answer, answer
from worker.steps.ready import ready

Finding = TypeVar("Finding", bound=LookUp)


async def ask(
    kind: Call,
    question: Callable[[Deadline, str | None], Awaitable[Answer]],
    desk: Desk,
    rt: Runtime,
) -> Answer | NotSent | InDoubt:
    """The answer, with a living token and a hard deadline; renews a rejected token once."""
    rejected = None
    for _ in range(2):
        token = await ready(desk, rt, rejected=rejected)
        if isinstance(token, NotSent):
            return token
        held_up = await desk.depart()
        if held_up is not None:
            return held_up
        deadline = Deadline.after(
            start=desk.call_timeout, total=desk.call_timeout, now=rt.clock.monotonic()
        )
        desk.budget.called()
        began = perf_counter()
        said = await answer(
            partial(question, deadline), token, rt, cut=NotSent("the worker was stopped")
        )
        rt.meters.calls[desk.key].ended(kind, said, perf_counter() - began)
        if not (isinstance(said, NotSent) and said.token_rejected):
            return said
        rejected = token
    return NotSent("the provider rejects a fresh access token")


async def ask_about(
    kind: Call,
    question: Callable[[Deadline, str | None], Awaitable[Finding]],
    desk: Desk,
    rt: Runtime,
) -> Finding | NotSent | InDoubt:
    """The same about an order, which counts for the breaker.

    Books do not: that a long list is not answered says nothing of the calls that orders need.
    """
    said = await ask(kind, question, desk, rt)
    desk.note(said, rt.clock.monotonic())
    return said
