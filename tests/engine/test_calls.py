"""Calls under way: cut when the worker stops, never made after it, never cut by mistake."""

import asyncio

import pytest

from worker.calls import Calls

PATIENCE = 10.0


class Call:
    """A call that waits until it is answered or cut."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.answer = asyncio.Event()
        self.made = 0

    async def __call__(self) -> str:
        self.made += 1
        self.begun.set()
        await self.answer.wait()
        return "answered"


async def make(calls: Calls, call: Call) -> str:
    return await calls.make(call, unmade="unmade", cut="cut")


async def test_an_answer_comes_through() -> None:
    call = Call()
    call.answer.set()
    assert await make(Calls(), call) == "answered"


async def test_a_call_under_way_is_cut_and_its_task_goes_on() -> None:
    calls, call = Calls(), Call()

    async def step() -> str:
        word = await make(calls, call)
        await asyncio.sleep(0)  # a commit follows, and is not cut
        return f"{word}, and written down"

    task = asyncio.create_task(step())
    await call.begun.wait()
    calls.stop()
    assert await task == "cut, and written down"
    assert task.cancelling() == 0


async def test_after_the_stop_no_call_is_made() -> None:
    calls, call = Calls(), Call()
    calls.stop()
    assert await make(calls, call) == "unmade"
    assert call.made == 0


async def test_a_cancel_that_is_not_ours_goes_through() -> None:
    calls, call = Calls(), Call()
    task = asyncio.create_task(make(calls, call))
    await call.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    calls.stop()


async def test_a_cancel_that_is_not_ours_goes_through_while_we_cut_too() -> None:
    calls, call = Calls(), Call()
    task = asyncio.create_task(make(calls, call))
    await call.begun.wait()
    calls.stop()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_timeout_around_a_call_is_still_a_timeout() -> None:
    calls, call = Calls(), Call()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await make(calls, call)


async def test_a_call_that_fails_fails_and_is_forgotten() -> None:
    calls = Calls()

    async def call() -> str:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await calls.make(call, unmade="unmade", cut="cut")
    still_here = asyncio.create_task(asyncio.sleep(0, "still here"))
    calls.stop()
    assert await still_here == "still here"


async def test_every_call_under_way_is_cut() -> None:
    calls = Calls()
    waiting = [Call() for _ in range(20)]
    tasks = [asyncio.create_task(make(calls, call)) for call in waiting]
    for call in waiting:
        await call.begun.wait()
    calls.stop()
    async with asyncio.timeout(PATIENCE):
        assert await asyncio.gather(*tasks) == ["cut"] * 20
