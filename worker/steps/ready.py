"""All that a call needs before it: a living access token, and a grant from the account's rate."""

from time import perf_counter

from worker.desk import Desk
from worker.outcome import NotSent
from worker.runtime import Runtime


async def ready(desk: Desk, rt: Runtime, *, rejected: str | None = None) -> str | NotSent | None:
    """The token (``None`` where there is none), or why no call can be made now.

    The grant comes last, so that nobody waits in line for one and then logs in.
    """
    token = await desk.token(rejected=rejected)
    if isinstance(token, NotSent):
        return token
    began = perf_counter()
    late = await desk.may_call()
    if desk.pace is not None:
        rt.meters.calls[desk.key].waited(perf_counter() - began)
    return late or token
