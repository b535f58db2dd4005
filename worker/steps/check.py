"""Ask an account whether it lets us in, and what it holds."""

from worker.desk import Desk
from worker.metrics.meters import Call
from worker.outcome import Check
from worker.runtime import Runtime
from worker.steps.ask import ask


async def check(desk: Desk, rt: Runtime) -> Check:
    """What the account says; a login is part of it, where the provider needs one."""
    return await ask(Call.CHECK, desk.provider.check, desk, rt)
