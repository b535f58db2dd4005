"""One question to a provider, and an answer in any case: stopped, cut off, or a bug of ours."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from worker.logs import get_logger
from worker.outcome import Check, InDoubt, LookUp, NotSent
from worker.runtime import Runtime

Answer = TypeVar("Answer", bound=LookUp | Check)

log = get_logger(__name__)


async def answer(
    question: Callable[[], Awaitable[Answer]], rt: Runtime, *, cut: NotSent | InDoubt
) -> Answer | NotSent | InDoubt:
    """What the provider said; ``cut`` where the worker was stopped while it waited for that."""
    try:
        return await rt.calls.make(question, unmade=NotSent("the worker is stopping"), cut=cut)
    except Exception as error:
        # A bug in an adapter: the request may have left, so this is doubt like any other.
        log.exception("adapter_failed", error=type(error).__name__)
        return InDoubt(f"our adapter failed: {type(error).__name__}")
