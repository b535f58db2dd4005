"""Providers' books that were changed behind our back: each difference is found, and handled once.

Everything first comes to rest, then somebody else's hands change the books in every way there is a
rule for. One run finds each change and does what its rule says; a second one finds nothing new.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.stories.conftest import MINUTE, Story, adobe, gifthub, hyper, threekit
from worker.sandbox import Fault
from worker.sandbox.remote import Documented, Reply
from worker.steps.purge import purge
from worker.store import differences
from worker.store.tables_books import RunState

DIFFERENCES: Final = """
SELECT o.intent_id, d.provider, d.kind, d.rule, d.handling, d.closed_at IS NULL AS open,
    d.provider_ref, d.ours, d.theirs
FROM differences d LEFT JOIN orders o ON o.id = d.order_id ORDER BY d.found_at, d.id
"""

AN_EMPTY_LIST: Final = Documented(
    "list",
    "an empty list",
    Reply(200, {"data": {"items": []}, "success": True, "message": "OK"}),
)

Seen = tuple[str, str, str | None, bool]
"""Kind, rule, handling, and whether it is still open."""


@dataclass(frozen=True)
class Case:
    """An order, what is done to its provider's books, and what must come of it."""

    ask: Callable[[str], dict[str, Any]]
    tamper: Callable[[Story, str], Awaitable[None]]
    seen: Seen
    before: str
    after: str


def _change(change: str, **how: Any) -> Callable[[Story, str], Awaitable[None]]:
    async def tamper(story: Story, name: str) -> None:
        provider, ref = (
            await story.all(
                "SELECT provider, provider_ref FROM orders WHERE intent_id = :i", i=name
            )
        )[0]
        story.sandbox.tamper(provider, change, order_id=ref, **how)

    return tamper


async def _add_by_line(story: Story, name: str) -> None:
    """What its provider had never heard of is there after all, with our reference."""
    ref = await story.one(
        "SELECT l.line_ref FROM lines l JOIN orders o ON o.id = l.order_id WHERE o.intent_id = :i",
        i=name,
    )
    story.sandbox.tamper("hyperteknoloji", "add", ref=ref)


async def _add_by_order(story: Story, name: str) -> None:
    order_id = await story.one("SELECT id FROM orders WHERE intent_id = :i", i=name)
    story.sandbox.tamper("adobe_vipm", "add", ref=order_id.hex, shelf="9876543210")


LIRA: Final = {"max_total": "40.00", "currency": "TRY"}
EURO: Final = {"max_total": "11.00", "currency": "EUR"}

CASES: Final[Mapping[str, Case]] = {
    "delivered-there": Case(
        lambda name: hyper(name, 38),
        _change("status", to=1),
        ("status_differs", "move", "moved", False),
        "placed",
        "fulfilled",
    ),
    "failed-there": Case(
        lambda name: gifthub(name, "sandbox-forever"),
        _change("status", to="failed"),
        ("status_differs", "move", "moved", False),
        "placed",
        "failed",
    ),
    "done-at-adobe": Case(
        lambda name: adobe(name, "sandbox-never"),
        _change("status", to="1000"),
        ("status_differs", "move", "moved", False),
        "placed",
        "fulfilled",
    ),
    "never-confirmed-there": Case(
        lambda name: gifthub(name, "sandbox-forever"),
        _change("status", to="pending"),
        ("status_differs", "park", "parked", False),
        "placed",
        "parked",
    ),
    "taken-back-after-the-end": Case(
        hyper,
        _change("status", to=2),
        ("status_differs", "park", None, True),
        "fulfilled",
        "fulfilled",
    ),
    "dearer-within-the-limit": Case(
        lambda name: hyper(name, quote=LIRA),
        _change("price", to="24.90"),
        ("price_differs", "record", "recorded", False),
        "fulfilled",
        "fulfilled",
    ),
    "dearer-than-allowed": Case(
        lambda name: hyper(name, quote=LIRA),
        _change("price", to="99.00"),
        ("price_differs", "alert", "recorded", True),
        "fulfilled",
        "fulfilled",
    ),
    "dearer-at-gifthub": Case(
        lambda name: gifthub(name, quote=EURO),
        _change("price", to="10.50"),
        ("price_differs", "record", "recorded", False),
        "fulfilled",
        "fulfilled",
    ),
    "gone-from-adobe": Case(
        lambda name: adobe(name, "sandbox-never"),
        _change("remove"),
        ("missing_there", "park", "parked", False),
        "placed",
        "parked",
    ),
    "gone-from-gifthub": Case(
        lambda name: gifthub(name, "sandbox-forever"),
        _change("remove"),
        ("missing_there", "park", "parked", False),
        "placed",
        "parked",
    ),
    "gone-from-hyper": Case(
        lambda name: hyper(name, 38),
        _change("remove"),
        ("missing_there", "park", "parked", False),
        "placed",
        "parked",
    ),
    "gone-after-the-end": Case(
        threekit,
        _change("remove"),
        ("missing_there", "park", None, True),
        "fulfilled",
        "fulfilled",
    ),
    "twice-at-hyper": Case(
        hyper,
        _change("copy"),
        ("surplus_order", "park", "surplus", False),
        "fulfilled",
        "fulfilled",
    ),
    "twice-at-threekit": Case(
        threekit,
        _change("copy"),
        ("surplus_order", "park", "surplus", False),
        "fulfilled",
        "fulfilled",
    ),
    "twice-at-adobe": Case(
        adobe,
        _change("copy"),
        ("surplus_order", "park", "surplus", False),
        "fulfilled",
        "fulfilled",
    ),
    "found-after-all": Case(
        lambda name: hyper(name, 9),
        _add_by_line,
        ("missing_here", "attach", "attached", False),
        "parked",
        "fulfilled",
    ),
    "bought-though-refused": Case(
        lambda name: hyper(name, 2),
        _add_by_line,
        ("surplus_order", "park", "surplus", False),
        "refused",
        "refused",
    ),
    "bought-though-refused-at-adobe": Case(
        lambda name: adobe(name, "sandbox-not-found"),
        _add_by_order,
        ("surplus_order", "park", "surplus", False),
        "refused",
        "refused",
    ),
}

UNTOUCHED: Final[Mapping[str, Callable[[str], dict[str, Any]]]] = {
    "all-well-hyper": hyper,
    "all-well-gifthub": gifthub,
    "all-well-adobe": adobe,
    "all-well-threekit": threekit,
    "still-placed": lambda name: hyper(name, 38),
    "returned-by-us": adobe,
}


@pytest.fixture
async def story(impatient_story: Story) -> Story:
    """One that does not wait long before it asks again."""
    return impatient_story


async def _states(story: Story) -> dict[str, str]:
    return {row.intent_id: row.state for row in await story.all("SELECT * FROM orders")}


async def _seen(story: Story) -> list[tuple[str | None, Seen]]:
    return [
        (row.intent_id, (row.kind, row.rule, row.handling, row.open))
        for row in await story.all(DIFFERENCES)
    ]


async def _come_to_rest(story: Story) -> None:
    quoted_at = (await story.now()).isoformat()
    for name, ask in {**{n: c.ask for n, c in CASES.items()}, **UNTOUCHED}.items():
        body = ask(name)
        if "quote" in body:
            body["quote"] = body["quote"] | {"quoted_at": quoted_at}
        assert not (await story.submit(body)).faulty
    await story.play(limit=25 * MINUTE)
    await story.cancel("returned-by-us")
    await story.play(limit=5 * MINUTE)
    states = await _states(story)
    assert states == {
        **{name: case.before for name, case in CASES.items()},
        **dict.fromkeys(UNTOUCHED, "fulfilled"),
        "still-placed": "placed",
        "returned-by-us": "cancelled",
    }


async def test_each_change_is_found_and_handled_by_its_rule_and_no_second_time(
    story: Story,
) -> None:
    await _come_to_rest(story)
    for name, case in CASES.items():
        await case.tamper(story, name)
    story.sandbox.tamper("hyperteknoloji", "add")  # somebody else's, or by hand
    story.sandbox.tamper("adobe_vipm", "add", shelf="9876543210")

    runs = await story.reconcile()
    assert {run.state for run in runs} == {RunState.DONE}
    expected: list[tuple[str | None, Seen]] = [(n, c.seen) for n, c in CASES.items()]
    expected += [(None, ("missing_here", "report", None, True))] * 2
    first = await _seen(story)
    assert Counter(first) == Counter(expected)
    found = sum((Counter(run.found) for run in runs), Counter[str]())
    assert found == Counter(seen[0] for _, seen in expected)
    await story.play(limit=MINUTE)
    states = await _states(story)
    assert {name: states[name] for name in CASES} == {n: c.after for n, c in CASES.items()}

    again = await story.reconcile()
    assert {run.state for run in again} == {RunState.DONE}
    assert [run.found for run in again] == [{}] * len(again)
    assert await _seen(story) == first
    left = await story.all("SELECT 1 FROM book_entries UNION ALL SELECT 1 FROM reconciled_orders")
    assert left == []


async def test_what_was_done_is_in_the_story_and_on_the_books(story: Story) -> None:
    quoted_at = {"quoted_at": (await story.now()).isoformat()}
    await story.submit(
        hyper("dear", quote=LIRA | quoted_at), hyper("fair", quote=LIRA | quoted_at), hyper("twice")
    )
    await story.play()
    await _change("price", to="99.00")(story, "dear")
    await _change("price", to="24.90")(story, "fair")
    await _change("copy")(story, "twice")
    await story.reconcile()
    totals = await story.all("SELECT intent_id, total FROM orders ORDER BY intent_id")
    assert [(row.intent_id, float(row.total)) for row in totals] == [
        ("dear", 99.0),
        ("fair", 24.9),
        ("twice", 19.9),
    ]
    told = await story.all(
        "SELECT o.intent_id, e.type FROM events e JOIN orders o ON o.id = e.order_id"
        " WHERE e.line_id IS NULL ORDER BY e.at, e.id"
    )
    assert [tuple(row) for row in told if row.intent_id == "dear"] == [
        ("dear", "order.difference_found"),
        ("dear", "order.charged_above_max"),
    ]
    assert [tuple(row) for row in told if row.intent_id == "fair"] == [
        ("fair", "order.difference_found"),
        ("fair", "order.price_recorded"),
    ]
    assert [tuple(row) for row in told if row.intent_id == "twice"] == [
        ("twice", "order.difference_found"),
        ("twice", "order.surplus_found"),
    ]


async def test_a_list_that_lags_is_held_against_the_providers_own_answer(story: Story) -> None:
    """Missing from the list, there when it is asked for: nobody is troubled, it is kept open."""
    await story.submit(hyper("late", 38))
    await story.work()
    assert await story.state("late") == "placed"
    story.sandbox.script("hyperteknoloji", "list", [AN_EMPTY_LIST])
    await story.reconcile()
    assert await story.state("late") == "placed"
    assert await _seen(story) == [("late", ("missing_there", "park", "agreed", True))]
    await story.reconcile()
    assert await _seen(story) == [("late", ("missing_there", "park", "gone", False))]


@pytest.mark.parametrize("fault", [Fault.THROTTLED_429, Fault.CUT_BEFORE, Fault.ERROR_500_BEFORE])
async def test_a_page_that_does_not_come_is_asked_for_again(story: Story, fault: Fault) -> None:
    await story.submit(hyper("1"))
    await story.play()
    story.sandbox.script("hyperteknoloji", "list", [fault] * 2)
    runs = await story.reconcile()
    assert {run.state for run in runs} == {RunState.DONE}
    assert await _seen(story) == []


async def test_books_that_cannot_be_read_at_all_prove_nothing(story: Story) -> None:
    await story.submit(hyper("1", 38))
    await story.work()
    await story.sandbox.outage("hyperteknoloji")
    (run, *_) = [each for each in await story.reconcile() if each.provider == "hyperteknoloji"]
    assert run.state is RunState.FAILED
    assert await story.state("1") == "placed"
    assert await _seen(story) == []
    await story.sandbox.outage("hyperteknoloji", seconds=0)
    (run, *_) = [each for each in await story.reconcile() if each.provider == "hyperteknoloji"]
    assert run.state is RunState.DONE


async def test_what_moves_while_it_is_read_is_judged_the_next_time(story: Story) -> None:
    await story.submit(hyper("1"))
    await story.play()
    await _change("status", to=2)(story, "1")
    await story.execute("UPDATE orders SET updated_at = orderline_now() + interval '1 min'")
    await story.reconcile()
    assert await _seen(story) == []
    await story.pass_time(timedelta(minutes=2))
    await story.reconcile()
    assert [seen[0] for _, seen in await _seen(story)] == ["status_differs"]


async def test_an_order_is_kept_while_a_person_has_to_deal_with_its_difference(
    story: Story,
) -> None:
    rt = story.engine.rt
    quoted_at = {"quoted_at": (await story.now()).isoformat()}
    await story.submit(hyper("dear", quote=LIRA | quoted_at))
    await story.play()
    await _change("price", to="99.00")(story, "dear")
    await story.reconcile()
    await story.pass_time(rt.settings.retention + MINUTE)
    await purge(rt)
    assert await story.state("dear") == "fulfilled"
    (difference,) = await story.all("SELECT id FROM differences")
    assert await differences.close(rt.db, difference.id, by="ada", why="given back")
    await purge(rt)
    assert await story.one("SELECT count(*) FROM orders") == 0
    assert await story.one("SELECT count(*) FROM differences") == 1
    await story.pass_time(rt.settings.retention + MINUTE)
    await purge(rt)
    kept = "SELECT (SELECT count(*) FROM differences) + (SELECT count(*) FROM reconciliations)"
    assert await story.one(kept) == 0
