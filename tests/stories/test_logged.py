"""What a line in the log is about stands in it, whoever wrote it: bound once, where work begins."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tests.stories.conftest import Story, hyper
from worker import logs

Lines = list[dict[str, Any]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """All that is logged, with what is bound to its context."""
    with structlog.testing.capture_logs(processors=[logs.tell_about]) as told:
        yield told  # type: ignore[misc] # each is a dict that structlog has a name for


def bound_here() -> dict[str, Any]:
    """What a line would be about that was written now."""
    return dict(logs.tell_about(None, "info", {}))


def of(lines: Lines, event: str) -> Lines:
    return [line for line in lines if line["event"] == event]


async def order_id(story: Story) -> str:
    return str(await story.one("SELECT id FROM orders"))


async def test_a_line_about_an_order_has_its_id_its_attempt_and_its_trace(
    story: Story, lines: Lines
) -> None:
    await story.submit(hyper("i-1", 9))
    await story.play()
    name = await order_id(story)
    [parked] = of(lines, "order_needs_attention")
    assert parked["order"] == name
    assert parked["trace"] == name.replace("-", "")
    assert parked["attempt"] == 1


async def test_a_failed_delivery_names_the_line_and_the_trace_of_its_order(
    story: Story, lines: Lines
) -> None:
    story.receiver.answers = [500]
    await story.submit(hyper("i-1"))
    await story.work()
    name = await order_id(story)
    line_id = str(await story.one("SELECT id FROM lines"))
    failed = of(lines, "delivery_failed")
    assert failed
    assert {line["line"] for line in failed} == {line_id}
    assert {line["trace"] for line in failed} == {name.replace("-", "")}


async def test_nothing_of_one_order_stands_in_the_lines_about_another(
    story: Story, lines: Lines
) -> None:
    bodies = [hyper(f"i-{n}") for n in range(8)]
    await asyncio.gather(*(story.submit(body) for body in bodies))
    await story.play()
    for line in lines:
        if "order" in line and "trace" in line:
            assert line["trace"] == line["order"].replace("-", "")
    assert bound_here() == {}


async def test_a_batch_is_about_no_order(story: Story) -> None:
    """Its rows are those of many: whoever handed in the first one is not its subject."""
    bound: list[dict[str, Any]] = []
    flush = story.engine.rt.changes._flush

    async def watched(rows: Any) -> Any:
        bound.append(bound_here())
        return await flush(rows)

    story.engine.rt.changes._flush = watched
    await story.submit(hyper("i-1"), hyper("i-2"))
    await story.play()
    assert bound
    assert all(not each for each in bound)
