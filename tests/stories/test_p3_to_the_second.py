"""P3 at the last second: what becomes of orders at 9:59, 10:00 and 10:01 of their window.

The database's clock and the providers' stand still wherever the test puts them. A call needs
exactly one second of the window, so at 9:59 it may just be made. Every provider, in every phase an
order may be in by then; once with a bell for the order, once with beat's own job before it.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
import pytest

from tests.stories.conftest import (
    MINUTE,
    Story,
    a_story,
    adobe,
    feedback,
    gifthub,
    hyper,
    threekit,
)
from worker.providers import REGISTRY
from worker.sandbox import Fault

SECOND: Final = timedelta(seconds=1)
WINDOW: Final = timedelta(minutes=10)

Ask = Callable[[str], dict[str, Any]]


def _previewed(intent_id: str, offer: str = "sandbox-ok") -> dict[str, Any]:
    return adobe(intent_id, offer, preview_first=True)


UNTOUCHED: Final[Mapping[str, Ask]] = {
    "hyper untouched": hyper,
    "gifthub untouched": gifthub,
    "adobe untouched": adobe,
    "adobe-previewed untouched": _previewed,
    "threekit untouched": threekit,
    "feedback untouched": feedback,
}
"""No call was made yet."""

BEGUN: Final[Mapping[str, Ask]] = {
    "hyper turned-away": lambda name: hyper(name, 37),
    "gifthub turned-away": lambda name: gifthub(name, "sandbox-429-date"),
    "adobe turned-away": lambda name: adobe(name, "sandbox-429"),
    "threekit turned-away": lambda name: threekit(name, "sandbox-429-date"),
    "feedback turned-away": feedback,
    "gifthub quoted": lambda name: gifthub(name, "sandbox-confirm-429"),
    "adobe-previewed quoted": lambda name: _previewed(name, "sandbox-429"),
    "hyper placed": lambda name: hyper(name, 5),
    "gifthub placed": lambda name: gifthub(name, "sandbox-slow"),
    "adobe placed": lambda name: adobe(name, "sandbox-slow"),
}
"""A first call was made at once, and something is still to be done."""

DOUBTFUL: Final[Mapping[str, Ask]] = {
    "hyper bought-unheard": lambda name: hyper(name, 8),
    "gifthub bought-unheard": lambda name: gifthub(name, "sandbox-confirm-cut"),
    "adobe bought-unheard": lambda name: adobe(name, "sandbox-cut"),
    "adobe-previewed bought-unheard": lambda name: _previewed(name, "sandbox-cut"),
    "threekit bought-unheard": lambda name: threekit(name, "sandbox-cut"),
    "feedback bought-unheard": lambda name: feedback(name, "sandbox-cut-after"),
    "hyper lost": lambda name: hyper(name, 9),
    "gifthub lost": lambda name: gifthub(name, "sandbox-confirm-cut-before"),
    "adobe lost": lambda name: adobe(name, "sandbox-cut-before"),
    "adobe-previewed lost": lambda name: _previewed(name, "sandbox-cut-before"),
    "threekit lost": lambda name: threekit(name, "sandbox-cut-before"),
    "feedback lost": lambda name: feedback(name, "sandbox-cut-before"),
}
"""A call was made seconds before the end and not answered; it was carried out, or lost."""

NOBODY_CAN_TELL: Final = {
    "feedback bought-unheard": "parked",
    "feedback lost": "parked",
    "hyper lost": "parked",
}
"""Nothing can be looked up, or a list that does not show it is no proof: a person decides."""

JUST_IN_TIME: Final = NOBODY_CAN_TELL | {
    "threekit lost": "expired",
    "adobe-previewed quoted": "expired",
}
"""At 9:59 all is bought but what nobody can tell. That a lost call came to nothing is proven by its
absence, minutes later, when it is too late to make it again; and a preview, whose price is frozen
by nobody, holds for five minutes only: the tighter window rules."""

TOO_LATE: Final = NOBODY_CAN_TELL | {
    name: "expired"
    for name in (*UNTOUCHED, *BEGUN, *DOUBTFUL)
    if name.split()[1] in {"untouched", "turned-away", "quoted", "lost"}
    and name not in NOBODY_CAN_TELL
}


@pytest.fixture
async def story(database_url: str, redis_url: str) -> AsyncIterator[Story]:
    """Clocks that stand still, and a call that takes a second of the window at most."""
    start = datetime.now(UTC).replace(microsecond=0)  # a provider tells milliseconds
    if start.hour in {6, 7} and start.minute >= 30:
        start += timedelta(hours=1)  # a preview never outlives a day in Pacific time

    def stand_at(ahead: timedelta) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "CREATE OR REPLACE FUNCTION orderline_now() RETURNS timestamptz LANGUAGE sql STABLE"
                f" RETURN timestamptz '{(start + ahead).isoformat()}'"
            )

    stand_at(timedelta(0))
    async with a_story(
        database_url, redis_url, stand_at, lambda ahead: start + ahead, needs=SECOND
    ) as told:
        yield told


async def _submit(story: Story, asks: Mapping[str, Ask], quoted_at: datetime) -> None:
    quote = {"quoted_at": quoted_at.isoformat(), "max_total": "2000", "currency": "USD"}
    for name, ask in asks.items():
        intent = ask(name.replace(" ", "."))
        currency = {"hyperteknoloji": "TRY", "gifthub": "EUR"}.get(intent["provider"], "USD")
        heaps = await story.submit(intent | {"quote": quote | {"currency": currency}})
        assert not heaps.faulty


async def _states(story: Story) -> dict[str, str]:
    rows = await story.all("SELECT intent_id, state FROM orders")
    return {row.intent_id.replace(".", " "): row.state for row in rows}


async def _until(story: Story, since_quoted: timedelta) -> None:
    await story.pass_time(since_quoted - story.ahead)


@pytest.mark.parametrize("by", ["bell", "job"])
@pytest.mark.parametrize(
    ("at", "ends"),
    [
        (WINDOW - SECOND, JUST_IN_TIME),
        (WINDOW, TOO_LATE),
        (WINDOW + SECOND, TOO_LATE),
    ],
    ids=["9:59", "10:00", "10:01"],
)
async def test_orders_at_the_end_of_their_window(
    story: Story, at: timedelta, ends: Mapping[str, str], by: str
) -> None:
    quoted_at = await story.now()
    story.sandbox.script("feedback_company", "create", [Fault.THROTTLED_429])
    await _submit(story, BEGUN, quoted_at)
    await _work(story)
    await _until(story, WINDOW - 10 * SECOND)
    await _hold_back(story)  # what begun at once waits, as behind a long queue
    await _submit(story, DOUBTFUL, quoted_at)
    await _work(story)
    await _submit(story, UNTOUCHED, quoted_at)
    await _until(story, at)
    await _let_go(story)
    if by == "job":
        await story.expire()
    await story.work()
    early = [name for name, state in (await _states(story)).items() if state == "expired"]
    assert not {name for name in early if name.split()[1] in {"bought-unheard", "placed"}}
    await story.play(limit=timedelta(hours=2))
    expected = {name: ends.get(name, "fulfilled") for name in (*BEGUN, *DOUBTFUL, *UNTOUCHED)}
    assert await _states(story) == expected
    await _check_books(story, quoted_at, expected)


async def _work(story: Story) -> None:
    """Do what is due; a call that a busy machine did not begin in time is made again."""
    await story.work()
    while await story.one("SELECT count(*) FROM orders WHERE reason LIKE '%deadline_passed%'"):
        await story.execute(
            "UPDATE orders SET due_at = orderline_now() WHERE reason LIKE '%deadline_passed%'"
        )
        await story.work()


async def _hold_back(story: Story) -> None:
    await story.execute("UPDATE orders SET due_at = due_at + interval '1 day'")


async def _let_go(story: Story) -> None:
    await story.execute(
        "UPDATE orders SET due_at = orderline_now() WHERE due_at > orderline_now() + '12 h'"
    )


async def _check_books(story: Story, quoted_at: datetime, expected: Mapping[str, str]) -> None:
    """Nothing is bought late, nothing that is told to have expired is bought at all."""
    live = [row for remote in REGISTRY for row in story.sandbox.live_orders(remote)]
    assert live
    assert all(row.bought_at is not None for row in live)
    assert not [row for row in live if row.bought_at and row.bought_at > quoted_at + WINDOW]
    refs = {row.ref for row in live}
    for row in await story.all(
        "SELECT o.intent_id, o.id, l.line_ref, l.deliver_id, l.reason FROM orders o"
        " JOIN lines l ON l.order_id = o.id"
    ):
        name = row.intent_id.replace(".", " ")
        bought = bool(refs & {row.line_ref, row.id.hex})
        if expected[name] != "parked":
            assert bought == (expected[name] == "fulfilled"), name
        told = story.told(row.deliver_id)
        if expected[name] == "expired":
            assert told[-1] == "expired", name
            assert "window" in row.reason or "frozen price" in row.reason
        else:
            assert "expired" not in told, name


async def test_a_window_that_nobody_is_there_for_is_closed_by_the_job_alone(story: Story) -> None:
    """Also that of an account which no worker here can serve."""
    quoted_at = await story.now()
    await _submit(story, {"h": hyper}, quoted_at)
    await story.execute("UPDATE orders SET account = 'elsewhere', due_at = orderline_now()")
    await _until(story, WINDOW - SECOND)
    await story.expire()
    assert await story.state("h") == "accepted"
    await _until(story, WINDOW + MINUTE)
    await story.expire()
    assert (await story.state("h"), story.told("h-1")) == ("expired", ["expired"])
