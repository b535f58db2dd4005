"""One question to a provider, and an answer in any case: stopped, cut off, or a bug of ours."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from worker.books import BookPage
from worker.logs import get_logger
from worker.outcome import Check, InDoubt, LookUp, NotSent, Refused
from worker.providers.reading import hide
from worker.runtime import Runtime

Answer = TypeVar("Answer", bound=LookUp | Check | BookPage)

log = get_logger(__name__)


async def answer(
    question: Callable[[str | None], Awaitable[Answer]],
    token: str | None,
    rt: Runtime,
    *,
    cut: NotSent | InDoubt,
) -> Answer | NotSent | InDoubt:
    """What the provider said; ``cut`` where the worker was stopped while it waited for that.

    Answers like to repeat what they were asked with: the access token is struck out of all that
    is kept, whatever the adapter overlooked.
    """
    try:
        said = await rt.calls.make(
            lambda: question(token), unmade=NotSent("the worker is stopping"), cut=cut
        )
        return said if token is None else _without(token, said)
    except Exception as error:
        # A bug in an adapter: the request may have left, so this is doubt like any other.
        log.exception("adapter_failed", error=type(error).__name__)
        return InDoubt(f"our adapter failed: {type(error).__name__}")


def _without(token: str, said: Answer | NotSent | InDoubt) -> Answer | NotSent | InDoubt:
    seen = said.evidence
    if seen.body is not None and token in seen.body:
        said = replace(said, evidence=replace(seen, body=hide(seen.body, [token])))
    if isinstance(said, Refused | NotSent | InDoubt) and token in said.reason:
        said = replace(said, reason=hide(said.reason, [token]))
    return said
