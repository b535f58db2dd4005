"""P4 whatever happens: first receipts of each line are in order and complete, and nothing waits.

Deliveries fail, are lost before or after their POST, come back after their lease, or are made once
more by hand; the endpoint is disabled and enabled; and time passes.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import hypothesis
import pytest
from hypothesis import strategies as st

from schemas.ids import EventId, new_uuid
from tests.builders import an_intent
from tests.store.conftest import LEASE, Shop, a_change
from worker.change import Change
from worker.outcome import InDoubt
from worker.policy import delivery_in, rest_in
from worker.store import deliveries, endpoints
from worker.store.deliveries import Delivered
from worker.store.endpoints import Decision
from worker.store.notifications import Owed
from worker.store.tables_told import NotificationState

HOOKS = ("shop", "https://shop.example/hooks")
BY_HAND = Decision(by="ada", why="a test")

CODES = {"taken": 204, "failed": 500, "busy": 429, "gone": 410}
THEN = st.sampled_from(["taken", "failed", "busy", "gone", "crash before", "crash after", "late"])
DO = st.one_of(
    st.tuples(st.just("event"), st.integers(0, 1)),
    st.tuples(st.just("deliver"), st.lists(THEN, min_size=1, max_size=4)),
    st.tuples(st.just("pass"), st.sampled_from([1, 70, 400, 8000, 90_000])),
    st.tuples(st.sampled_from(["enable", "disable", "replay"]), st.just(0)),
)


Done = tuple[str, Any]


@dataclass
class Told:
    """A shop, what it heard first of each line, and answers that are on their way."""

    shop: Shop
    set_clock: Callable[[timedelta], None]
    changes: Sequence[Change]
    ahead: timedelta = timedelta()
    events: list[int] = field(default_factory=lambda: [0, 0])
    heard: dict[UUID, list[int]] = field(default_factory=dict)
    ids: set[UUID] = field(default_factory=set)
    late: list[Delivered] = field(default_factory=list)

    async def do(self, what: str, how: Any) -> None:
        match what:
            case "event":
                await self.event(how)
            case "deliver":
                await self.deliver(how)
            case "pass":
                await self.pass_time(timedelta(seconds=how))
            case "enable":
                await endpoints.enable(self.shop.db, HOOKS, BY_HAND)
            case "disable":
                await endpoints.disable(self.shop.db, HOOKS, BY_HAND)
            case _:
                await self.shop.execute(_REPLAY)

    async def pass_time(self, by: timedelta) -> None:
        self.ahead += by
        self.set_clock(self.ahead)

    async def event(self, which: int) -> None:
        """One more change of a line; every other time its worker dies before the first delivery."""
        self.events[which] += 1
        change = self.changes[which]
        [move] = change.moves
        news = move.news.model_copy(update={"sequence": self.events[which]})
        again = replace(move, event_id=EventId(new_uuid()), news=news)
        lease = {"deliver_for": LEASE} if self.events[which] % 2 else {}
        [settled] = await self.shop.settle(replace(change, moves=(again,)), **lease)
        assert settled.held

    async def deliver(self, then: Sequence[str]) -> None:
        for owed, what in zip(await self.shop.owed(free=len(then)), then, strict=False):
            if what in {"taken", "crash after", "late"}:
                self.hear(owed)
            if what in CODES:
                await deliveries.record(self.shop.db, [came_to(owed, CODES[what])])
            elif what == "late":
                self.late.append(came_to(owed, CODES["taken"]))
            elif self.late:
                await deliveries.record(self.shop.db, [self.late.pop()])

    def hear(self, owed: Owed) -> None:
        if owed.event_id not in self.ids:
            self.ids.add(owed.event_id)
            self.heard.setdefault(owed.subject, []).append(owed.notification.data.sequence)

    async def finish(self) -> None:
        """Everything is taken from now on: then everything was heard, and nothing is owed."""
        await endpoints.enable(self.shop.db, HOOKS, BY_HAND)
        for _ in range(sum(self.events) + 3):
            await self.deliver(["taken"] * 9)
            await self.pass_time(2 * LEASE)
        assert await self.shop.rows("SELECT FROM notifications WHERE due_at IS NOT NULL") == []
        assert sorted(self.heard.values()) == sorted(
            [*range(1, count + 1)] for count in self.events if count
        )


_REPLAY = """
UPDATE notifications SET state = 'pending', due_at = orderline_now(), tries = 0,
    replays = replays + 1, lease_until = NULL
WHERE event_id = (
    SELECT event_id FROM notifications WHERE state = 'acknowledged' ORDER BY event_id LIMIT 1)
"""


def came_to(owed: Owed, code: int) -> Delivered:
    wait = None if code == CODES["taken"] else delivery_in(owed.tries + 1, 0.5) or timedelta(1)
    state = NotificationState.ACKNOWLEDGED if wait is None else NotificationState.PENDING
    return Delivered(
        event_id=owed.event_id,
        fence=owed.fence,
        replays=owed.replays,
        tries=owed.tries + 1,
        state=state,
        due_in=wait,
        milliseconds=1,
        code=code,
        error=None,
        excerpt=None,
        gone=code == CODES["gone"],
        rest=rest_in(code, None),
    )


@pytest.mark.parametrize("examples", [12, pytest.param(150, marks=pytest.mark.slow)])
async def test_each_line_is_told_in_order_and_to_its_end(
    shop: Shop, set_clock: Callable[[timedelta], None], examples: int
) -> None:
    await shop.accept(*(an_intent(f"d-{n}", intent_id=f"i-{n}") for n in range(2)))
    opened = [await shop.attempt(claimed) for claimed in await shop.claim()]
    changes = [a_change(claimed, InDoubt("reset")) for claimed in opened]
    loop = asyncio.get_running_loop()

    async def live(story: list[Done]) -> None:
        for table in ("deliveries", "notifications", "events"):
            await shop.execute(f"DELETE FROM {table}")  # noqa: S608 -- our own tables
        set_clock(timedelta())
        told = Told(shop, set_clock, changes)
        for what, how in story:
            await told.do(what, how)
        await told.finish()

    @hypothesis.settings(
        max_examples=examples, deadline=None, suppress_health_check=[*hypothesis.HealthCheck]
    )
    @hypothesis.given(st.lists(DO, min_size=5, max_size=25))
    def whatever_happens(story: list[Done]) -> None:
        asyncio.run_coroutine_threadsafe(live(story), loop).result()

    await asyncio.to_thread(whatever_happens)
