"""``orderline producers disable`` and ``enable``."""

import asyncio

from worker.cli.output import say
from worker.cli.producers.named import Name, note
from worker.cli.session import opened
from worker.store import producers


def disable(name: Name) -> None:
    """Take nothing from a producer any more, until it is enabled again.

    What it puts on its stream is set aside (producer_disabled), and it is told so; what was taken
    in before goes on and is told. Turn its Redis user off, too: `orderline producers acl`.

    Example: orderline producers disable shop-eu
    """
    if not asyncio.run(_set(name, disabled=True)):
        say(f"{name} was disabled already.")
        return
    note(name, "disabled")
    say(f"Nothing is taken from {name} any more. What was taken in before goes on, and is told.")


def enable(name: Name) -> None:
    """Take in again what a producer sends. What was set aside meanwhile is yours to replay.

    Example: orderline producers enable shop-eu
    """
    if not asyncio.run(_set(name, disabled=False)):
        say(f"{name} was not disabled.")
        return
    note(name, "enabled")
    say(
        f"{name} may ask again. What was set aside meanwhile:"
        f" `orderline quarantine replay --producer {name} --code producer_disabled`"
    )


async def _set(name: str, *, disabled: bool) -> bool:
    async with opened() as session:
        return await producers.set_disabled(session.db, name, disabled=disabled)
