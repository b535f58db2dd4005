"""All that a call needs before it: a living access token, and a grant from the account's rate."""

from worker.desk import Desk
from worker.outcome import NotSent


async def ready(desk: Desk, *, rejected: str | None = None) -> str | NotSent | None:
    """The token (``None`` where there is none), or why no call can be made now.

    The grant comes last, so that nobody waits in line for one and then logs in.
    """
    token = await desk.token(rejected=rejected)
    if isinstance(token, NotSent):
        return token
    late = await desk.may_call()
    return late or token
