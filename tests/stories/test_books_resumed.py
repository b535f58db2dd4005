"""Reconciliations that are stopped, die, wait and find workers at work: nothing is done twice."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Final

import pytest

from tests.stories.conftest import (
    MINUTE,
    Story,
    adobe,
    feedback,
    gifthub,
    hyper,
    threekit,
)
from worker.desk import Desk
from worker.reconciliation import Progress, reconcile, start
from worker.reconciliation.reading import LEASE
from worker.sandbox import Fault
from worker.sandbox.remote import Documented, Reply
from worker.steps.purge import purge
from worker.store.reconciliations import Run
from worker.store.tables_books import RunState

HYPER: Final = "hyperteknoloji"
SEEN: Final = """
SELECT o.intent_id, d.kind, d.rule, d.handling, d.closed_at IS NULL AS open, d.theirs
FROM differences d LEFT JOIN orders o ON o.id = d.order_id ORDER BY d.found_at, d.id
"""
NO_CUSTOMER: Final = Documented(
    "list",
    "an unknown customer",
    Reply(404, {"code": "1116", "message": "Invalid Customer", "additionalDetails": []}),
)


@pytest.fixture
async def story(impatient_story: Story) -> Story:
    """One that does not wait long before it asks again."""
    return impatient_story


def desk_of(story: Story, provider: str = HYPER, account: str = "default") -> Desk:
    return story.engine.rt.desks[provider, account]


async def begin(
    story: Story, provider: str = HYPER, *, every: timedelta | None = None
) -> Run | None:
    rt, back = story.engine.rt, timedelta(days=1)
    return await start(desk_of(story, provider), rt, back=back, every=every, asked_by="story")


async def run_alone(
    story: Story,
    provider: str = HYPER,
    *,
    desk: Desk | None = None,
    stop_when: Callable[[Progress], bool] = lambda _: False,
) -> Run:
    """One run, or what is left of one, and nothing besides: no worker does what is due."""
    run = await begin(story, provider)
    assert run is not None
    stopping = asyncio.Event()

    def watch(progress: Progress) -> None:
        if stop_when(progress):
            stopping.set()

    return await reconcile(run, desk or desk_of(story, provider), story.engine.rt, stopping, watch)


async def seen(story: Story) -> list[tuple[str | None, str, str, str | None, bool]]:
    return [tuple(row)[:5] for row in await story.all(SEEN)]


async def line_ref(story: Story, name: str) -> str:
    ref: str = await story.one(
        "SELECT l.line_ref FROM lines l JOIN orders o ON o.id = l.order_id WHERE o.intent_id = :i",
        i=name,
    )
    return ref


async def own_ref(story: Story, name: str) -> str:
    ref: str = await story.one("SELECT provider_ref FROM orders WHERE intent_id = :i", i=name)
    return ref


def strangers(story: Story, count: int) -> None:
    for _ in range(count):
        story.sandbox.tamper(HYPER, "add")


# --- left, and gone on with ----------------------------------------------------------------------


async def test_a_run_that_was_stopped_goes_on_with_the_next_page(story: Story) -> None:
    await story.submit(hyper("1"))
    await story.play()
    strangers(story, 430)
    left = await run_alone(story, stop_when=lambda progress: progress.pages == 2)
    assert (left.state, left.pages, story.sandbox.hits(HYPER, "list")) == (RunState.READING, 2, 2)
    done = await run_alone(story)
    assert (done.run_id, done.state) == (left.run_id, RunState.DONE)
    assert done.pages == story.sandbox.hits(HYPER, "list")
    assert (done.entries, done.compared) == (431, 1)
    assert done.found == {"missing_here": 430}
    at_once = await run_alone(story)
    assert (at_once.pages, at_once.entries, at_once.found) == (done.pages, 431, {})


async def test_a_run_that_was_stopped_while_it_compared_does_not_read_again(story: Story) -> None:
    await story.submit(*[hyper(f"{n}") for n in range(3)])
    await story.play()
    story.sandbox.tamper(HYPER, "copy", order_id=await own_ref(story, "1"))
    left = await run_alone(story, stop_when=lambda progress: progress.compared > 0)
    read = story.sandbox.hits(HYPER, "list")
    assert (left.state, left.compared) == (RunState.COMPARING, 3)
    done = await run_alone(story)
    assert (done.state, done.found) == (RunState.DONE, {"surplus_order": 1})
    assert story.sandbox.hits(HYPER, "list") == read


async def test_what_a_worker_left_that_died_another_one_ends_after_its_lease(
    story: Story,
) -> None:
    await story.submit(hyper("1"))
    await story.play()
    strangers(story, 250)
    run = await begin(story)
    assert run is not None
    at_page_two = asyncio.Event()

    def watch(progress: Progress) -> None:
        if progress.pages == 2:
            at_page_two.set()
            dying.cancel()

    dying = asyncio.create_task(
        reconcile(run, desk_of(story), story.engine.rt, asyncio.Event(), watch)
    )
    with pytest.raises(asyncio.CancelledError):
        await dying
    assert at_page_two.is_set()
    assert await begin(story) is None
    assert await begin(story, every=timedelta(hours=1)) is None
    await story.pass_time(LEASE + timedelta(seconds=1))
    before = story.sandbox.hits(HYPER, "list")
    done = await run_alone(story)
    assert (done.run_id, done.fence, done.state) == (run.run_id, 2, RunState.DONE)
    assert (done.entries, done.found) == (251, {"missing_here": 250})
    assert done.pages == 2 + story.sandbox.hits(HYPER, "list") - before


async def test_whoever_was_too_slow_writes_nothing_more(story: Story) -> None:
    strangers(story, 250)
    run = await begin(story)
    assert run is not None
    await story.pass_time(LEASE + timedelta(seconds=1))
    heir = await begin(story)
    assert heir is not None
    late = await reconcile(run, desk_of(story), story.engine.rt, asyncio.Event())
    assert (late.state, late.pages) == (RunState.READING, 0)
    assert await story.all("SELECT FROM book_entries") == []
    done = await reconcile(heir, desk_of(story), story.engine.rt, asyncio.Event())
    assert (done.state, done.entries) == (RunState.DONE, 250)


async def test_pages_and_questions_keep_the_accounts_rate(story: Story) -> None:
    await story.submit(*[hyper(f"{n}", 38) for n in range(4)])
    await story.work()
    for n in range(4):
        story.sandbox.tamper(HYPER, "status", order_id=await own_ref(story, f"{n}"), to=1)
    strangers(story, 950)
    asked = len(story.sandbox.journal.entries)
    rate = 20.0
    done = await run_alone(story, desk=replace(desk_of(story), books_rate=rate))
    assert done.found == {"missing_here": 950, "status_differs": 4}
    entries = [*story.sandbox.journal.entries][asked:]
    calls = [each.at for each in entries if each.operation in {"list", "detail"}]
    assert len(calls) >= 10 + 4
    late = timedelta(seconds=0.1)  # how long a call may take to be written down there
    for number, at in enumerate(calls):
        assert at - calls[0] >= timedelta(seconds=number / rate) - late
    assert all(after >= before for before, after in pairwise(calls))


# --- books that cannot be read -------------------------------------------------------------------


async def test_of_a_shelf_that_is_refused_nothing_is_concluded(story: Story) -> None:
    await story.submit(adobe("1", "sandbox-never"))
    await story.work()
    story.sandbox.tamper("adobe_vipm", "remove", order_id=await own_ref(story, "1"))
    story.sandbox.script("adobe_vipm", "list", [NO_CUSTOMER])
    run = await run_alone(story, "adobe_vipm")
    assert (run.state, run.orders, run.compared, run.found) == (RunState.DONE, 1, 0, {})
    assert (await story.state("1"), await seen(story)) == ("placed", [])
    run = await run_alone(story, "adobe_vipm")
    assert (run.compared, run.found) == (1, {"missing_there": 1})
    assert await story.state("1") == "parked"


@pytest.mark.parametrize("provider", [HYPER, "adobe_vipm"])
async def test_a_token_that_died_is_renewed(story: Story, provider: str) -> None:
    await story.submit(hyper("1"), adobe("2"))
    await story.play()
    story.sandbox.script(provider, "list", [Fault.UNAUTHORIZED_401])
    before = story.sandbox.hits(provider, "login")
    run = await run_alone(story, provider)
    assert (run.state, run.compared, run.found) == (RunState.DONE, 1, {})
    assert story.sandbox.hits(provider, "login") == before + 1


async def test_where_there_are_no_books_there_is_no_run(story: Story) -> None:
    await story.submit(feedback("1"))
    await story.play()
    assert await begin(story, "feedback_company") is None
    assert "feedback_company" not in {run.provider for run in await story.reconcile()}


# --- workers at work -----------------------------------------------------------------------------


async def test_what_a_worker_holds_is_left_for_the_next_run(story: Story) -> None:
    await story.submit(hyper("1", 38))
    await story.work()
    story.sandbox.tamper(HYPER, "status", order_id=await own_ref(story, "1"), to=1)
    await story.execute(
        "UPDATE orders SET leased_by = 'another', fence = fence + 1,"
        " lease_until = orderline_now() + interval '1 min',"
        " due_at = orderline_now() + interval '1 min'"
    )
    run = await run_alone(story)
    assert (run.compared, await story.state("1"), await seen(story)) == (0, "placed", [])
    await story.pass_time(2 * MINUTE)
    run = await run_alone(story)
    assert await story.state("1") == "fulfilled"
    assert await seen(story) == [("1", "status_differs", "move", "moved", False)]


async def test_what_is_to_be_called_off_is_not_touched(story: Story) -> None:
    await story.submit(hyper("1", 38))
    await story.work()
    story.sandbox.tamper(HYPER, "status", order_id=await own_ref(story, "1"), to=1)
    await story.cancel("1")
    before = await story.all("SELECT state, fence, step, due_at, cancel_asked_at FROM orders")
    await run_alone(story)
    after = await story.all("SELECT state, fence, step, due_at, cancel_asked_at FROM orders")
    assert after == before
    assert await seen(story) == [("1", "status_differs", "move", None, True)]
    await story.play(limit=5 * MINUTE)
    assert await story.state("1") == "fulfilled"
    await run_alone(story)
    assert await seen(story) == [("1", "status_differs", "move", "gone", False)]


async def test_an_order_in_doubt_is_attached_without_any_worker(story: Story) -> None:
    await story.submit(hyper("1", 8))
    await story.work()
    assert (await story.state("1"), story.bought()) == ("in_doubt", 1)
    await run_alone(story)
    assert await story.state("1") in {"placed", "fulfilled"}
    assert await seen(story) == [("1", "missing_here", "attach", "attached", False)]
    await story.play()
    assert (await story.state("1"), story.bought()) == ("fulfilled", 1)


async def test_what_is_about_to_be_tried_again_is_not_bought_where_it_is_there(
    story: Story,
) -> None:
    await story.submit(hyper("1", 13), hyper("2", 13))
    await story.work()
    assert {await story.state("1"), await story.state("2")} == {"placing"}
    for name in ("1", "2"):
        story.sandbox.tamper(HYPER, "add", ref=await line_ref(story, name))
    await run_alone(story)
    await story.play()
    assert (await story.state("1"), await story.state("2")) == ("fulfilled", "fulfilled")
    assert story.bought() == 2


async def test_what_no_call_is_known_of_is_parked_and_not_found_anew(story: Story) -> None:
    """As after a database was restored: their books have it, ours have not even tried."""
    await story.submit(hyper("1"))
    story.sandbox.tamper(HYPER, "add", ref=await line_ref(story, "1"))
    run = await run_alone(story)
    assert run.found == {"missing_here": 1}
    expected = [("1", "missing_here", "attach", "parked", True)]
    assert (await story.state("1"), await seen(story)) == ("parked", expected)
    again = await run_alone(story)
    assert (again.found, await seen(story)) == ({}, expected)
    await story.play()
    assert (await story.state("1"), story.bought()) == ("parked", 1)


async def test_orders_that_were_purged_are_no_strangers(story: Story) -> None:
    await story.submit(hyper("1"), adobe("2"), threekit("3"))
    await story.play()
    await story.pass_time(timedelta(days=91))
    await story.submit(hyper("4"), adobe("5"), threekit("6", platform=threekit("3")["platform"]))
    await story.play()
    assert (await purge(story.engine.rt)).orders == 3
    runs = await story.reconcile(back=timedelta(days=90))
    assert {run.state for run in runs} == {RunState.DONE}
    assert await seen(story) == []


# --- what is kept of it --------------------------------------------------------------------------


async def test_nothing_personal_and_no_code_is_kept_or_logged(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    await story.submit(hyper("ayşe", lines=2), gifthub("bora"), adobe("cem"), threekit("derya"))
    await story.play()
    codes = story.receiver.received.codes()
    assert codes
    kept: list[str] = []
    names = {HYPER: "ayşe", "gifthub": "bora", "adobe_vipm": "cem", "threekit": "derya"}
    for provider, name in names.items():
        story.sandbox.tamper(provider, "copy", order_id=await own_ref(story, name))
        await run_alone(story, provider, stop_when=lambda progress: progress.entries > 0)
        kept += [str(row) for row in await story.all("SELECT * FROM book_entries")]
        await run_alone(story, provider)
        kept += [str(row) for row in await story.all("SELECT * FROM differences")]
        kept += [str(row) for row in await story.all("SELECT * FROM reconciliations")]
    assert kept
    said = "\n".join([*kept, *capsys.readouterr()])
    assert [each for each in (*codes, "Şişli", *names.values()) if each in said] == []
