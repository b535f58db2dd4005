"""While it is paused nobody has a turn, and a pause waits for the turns under way."""

import asyncio
from contextlib import suppress

from worker.chaos.pausing import Pausing


async def test_a_pause_begins_when_the_turns_under_way_are_over() -> None:
    pausing, go_on, said = Pausing(), asyncio.Event(), list[str]()

    async def take_a_turn() -> None:
        async with pausing.turn():
            await go_on.wait()
            said.append("turn over")

    async def pause() -> None:
        async with pausing.pause():
            said.append("paused")

    turn = asyncio.create_task(take_a_turn())
    await asyncio.sleep(0)
    waiting = asyncio.create_task(pause())
    await asyncio.sleep(0.02)
    assert said == []
    go_on.set()
    await asyncio.gather(turn, waiting)
    assert said == ["turn over", "paused"]


async def test_nobody_has_a_turn_before_every_pause_is_over() -> None:
    pausing, said = Pausing(), list[str]()

    async def take_a_turn() -> None:
        async with pausing.turn():
            said.append("turn")

    async with pausing.pause():
        async with pausing.pause():
            turn = asyncio.create_task(take_a_turn())
        await asyncio.sleep(0.02)
        assert said == []
    await turn
    assert said == ["turn"]


async def test_a_turn_that_fails_is_over_all_the_same() -> None:
    pausing = Pausing()
    with suppress(ZeroDivisionError):
        async with pausing.turn():
            1 / 0  # noqa: B018 -- whatever fails
    async with asyncio.timeout(1), pausing.pause():
        pass
