"""``orderline watch``: DeliverIDs as they change, until Ctrl-C."""

import asyncio
import os
import pty
import signal
import sys

from tests.builders import an_intent
from tests.cli.conftest import Orderline
from tests.cli.world import PATIENCE, World, until
from worker.outcome import Confirmed


async def test_once_prints_one_row_a_line_newest_order_first(
    world: World, orderline: Orderline
) -> None:
    await world.accept(an_intent("d-1", "d-2"))
    await world.place(Confirmed("provider-77"))
    await world.tell()
    await world.accept(an_intent("d-3", intent_id="i-2"))
    ran = await orderline("watch", "--once")
    assert [line.split() for line in ran.out.splitlines()] == [
        ["DeliverID", "provider", "line", "order", "attempts", "quote", "left", "told"],
        ["d-3", "hyperteknoloji/default", "waiting", "accepted", "0", "-", "-"],
        ["d-1", "hyperteknoloji/default", "accepted", "placed", "1", "-", "1", "of", "1"],
        ["d-2", "hyperteknoloji/default", "accepted", "placed", "1", "-", "1", "of", "1"],
    ]


async def test_only_the_lines_asked_for_are_watched(world: World, orderline: Orderline) -> None:
    await world.register("other")
    await world.accept(an_intent("d-1"))
    await world.place(Confirmed("provider-77"))
    await world.accept(an_intent("d-2"), producer="other")
    by_state = await orderline("watch", "--state", "accepted")
    by_producer = await orderline("watch", "--producer", "other")
    assert [line.split()[0] for line in by_state.out.splitlines()] == ["DeliverID", "d-1"]
    assert [line.split()[0] for line in by_producer.out.splitlines()] == ["DeliverID", "d-2"]


async def test_on_a_terminal_it_follows_until_ctrl_c_which_is_no_failure(world: World) -> None:
    await world.accept(an_intent("d-1"))
    ours, theirs = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from worker.cli import run; run(['watch'])",
            stdin=theirs, stdout=theirs, stderr=theirs,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "120", "LINES": "30"},
        )  # fmt: skip
        os.set_blocking(ours, False)
        seen = bytearray()

        async def d_1_is_seen() -> bool:
            return b"d-1" in _more(ours, seen)

        async def d_2_is_seen() -> bool:
            return b"d-2" in _more(ours, seen)

        await until(d_1_is_seen)
        await world.accept(an_intent("d-2", intent_id="i-2"))
        await until(d_2_is_seen)
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
        assert b"Traceback" not in _more(ours, seen)
    finally:
        os.close(ours)
        os.close(theirs)


def _more(terminal: int, seen: bytearray) -> bytearray:
    """Everything printed so far."""
    try:
        while chunk := os.read(terminal, 65536):
            seen += chunk
    except BlockingIOError:
        pass
    return seen
