"""Endpoints: claimed side by side, tried by twos where they fail, left alone, disabled, enabled."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import an_intent
from tests.store.conftest import LEASE, Shop, a_change
from worker.lanes import Lane, Room, Taken
from worker.outcome import Confirmed, InDoubt
from worker.store import accounts, deliveries, endpoints, notifications, purge
from worker.store.deliveries import Delivered
from worker.store.endpoints import Decision
from worker.store.notifications import NO_LIMIT, Owed
from worker.store.tables_told import NotificationState
from worker.store.views_endpoints import Reached, endpoint_story, find_endpoints
from worker.store.views_endpoints import endpoints as listed

SetClock = Callable[[timedelta], None]

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HOOKS: Lane = ("shop", "https://shop.example/hooks")
OTHERS: Lane = ("shop", "https://other.example/hooks")
ADA = Decision(by="ada", why="because")

PENDING, ACKNOWLEDGED = NotificationState.PENDING, NotificationState.ACKNOWLEDGED


def came_to(owed: Owed, state: NotificationState = PENDING, **more: Any) -> Delivered:
    """A delivery that failed, unless ``state`` says otherwise."""
    wait = MINUTE if state is PENDING else None
    given: dict[str, Any] = {
        "event_id": owed.event_id,
        "fence": owed.fence,
        "replays": owed.replays,
        "tries": owed.tries + 1,
        "state": state,
        "due_in": wait,
        "milliseconds": 12,
        "code": 204 if state is ACKNOWLEDGED else 500,
        "error": None,
        "excerpt": None,
    }
    return Delivered(**given | more)


async def record(shop: Shop, *tried: Delivered) -> bool:
    return any(await deliveries.record(shop.db, tried))


async def owe(shop: Shop, count: int, url: str = HOOKS[1], *, name: str = "i") -> None:
    """So many orders that are placed, each with one notification to this URL."""
    bodies = [
        an_intent(f"{name}-{n}-d", intent_id=f"{name}-{n}", notify_url=f"{url}?n={n}")
        for n in range(count)
    ]
    await shop.execute("UPDATE producers SET notify_hosts = '{other.example,well.example}'")
    await shop.accept(*bodies)
    for claimed in await shop.claim(free=count):
        await shop.settle(a_change(await shop.attempt(claimed), Confirmed("x")))


async def fail(shop: Shop, **more: Any) -> Owed:
    """Try what is due; it fails."""
    [owed] = await shop.owed(free=1)
    await record(shop, came_to(owed, **more))
    return owed


async def endpoint(shop: Shop, lane: Lane = HOOKS) -> Any:
    return await shop.one(
        "SELECT * FROM endpoints WHERE (producer, url) = (:producer, :url)",
        producer=lane[0],
        url=lane[1],
    )


async def told(shop: Shop) -> list[str]:
    rows = await shop.rows("SELECT type FROM events WHERE endpoint IS NOT NULL ORDER BY at, type")
    return [row.type for row in rows]


def per_lane(owed: list[Owed]) -> Counter[Lane]:
    return Counter(each.lane for each in owed)


# --- who is claimed ------------------------------------------------------------------------------


async def test_each_endpoint_gets_as_many_as_its_lane_has_room_for(shop: Shop) -> None:
    await owe(shop, 6)
    await owe(shop, 2, OTHERS[1], name="o")
    taken = (Taken(lane=HOOKS, count=1, failing=False),)
    owed = await shop.owed(room=Room(each=4, failing=2, taken=taken))
    assert per_lane(owed) == {HOOKS: 3, OTHERS: 2}


async def test_the_longest_due_go_first_wherever_they_go(shop: Shop) -> None:
    await owe(shop, 2)
    await owe(shop, 2, OTHERS[1], name="o")
    await shop.execute(
        "UPDATE notifications SET due_at = due_at - interval '1 min' WHERE endpoint = :url"
        " AND sequence = 1",
        url=OTHERS[1],
    )
    assert per_lane(await shop.owed(free=2)) == {OTHERS: 2}


@pytest.mark.parametrize("known", ["to the database", "to this process"])
async def test_a_failing_endpoint_is_tried_by_twos(shop: Shop, known: str) -> None:
    await owe(shop, 5)
    if known == "to the database":
        await fail(shop)
        assert len(await shop.owed()) == 2
    else:
        taken = (Taken(lane=HOOKS, count=1, failing=True),)
        assert len(await shop.owed(room=Room(each=9, failing=9, taken=taken))) == 1


async def test_all_failing_endpoints_together_have_their_share(shop: Shop) -> None:
    await owe(shop, 3)
    await owe(shop, 3, OTHERS[1], name="o")
    await owe(shop, 1, "https://well.example/hooks", name="w")
    await shop.execute(
        "UPDATE endpoints SET failures = 1, failing_since = now() WHERE url NOT LIKE '%well%'"
    )
    owed = await shop.owed(room=Room(each=9, failing=3))
    assert len(owed) == 4
    assert sum(each.failing for each in owed) == 3


async def test_two_who_claim_at_once_share_what_is_due_and_keep_the_order_of_each_line(
    shop: Shop,
) -> None:
    await owe(shop, 20)
    await owe(shop, 20, OTHERS[1], name="o")
    heaps = await asyncio.gather(*(shop.owed(free=10) for _ in range(3)))
    ids = [each.event_id for heap in heaps for each in heap]
    assert len(ids) == len(set(ids))
    assert len(ids) + len(await shop.owed(free=100)) == 40


async def test_a_claim_says_whether_there_was_more(shop: Shop) -> None:
    await owe(shop, 3)

    async def more(free: int) -> bool:
        claimed = await notifications.claim(shop.db, shop.vault, free=free, lease=LEASE)
        return claimed.more

    assert await more(2) is True
    assert await more(2) is False
    assert await more(2) is False


@pytest.mark.parametrize(
    "state",
    [
        "failures = 1, failing_since = orderline_now()",
        "disabled_at = orderline_now(), disabled_because = 'operator'",
        "rests_until = orderline_now() + interval '1 min'",
    ],
)
async def test_a_first_delivery_goes_at_once_only_where_all_is_well(shop: Shop, state: str) -> None:
    claimed = await shop.attempt(await shop.claimed())
    await shop.execute(f"UPDATE endpoints SET {state}")  # noqa: S608 -- our own words
    [settled] = await shop.settle(a_change(claimed, Confirmed("x")), deliver_for=LEASE)
    assert settled.leased == frozenset()


async def test_while_all_is_well_no_endpoint_is_written(shop: Shop) -> None:
    await owe(shop, 3)
    before = await shop.one("SELECT xmin FROM endpoints")
    await record(shop, *(came_to(owed, ACKNOWLEDGED) for owed in await shop.owed()))
    assert await shop.one("SELECT xmin FROM endpoints") == before


# --- one line's followers ------------------------------------------------------------------------


async def doubted_and_placed(shop: Shop, set_clock: SetClock) -> None:
    claimed = await shop.attempt(await shop.claimed("d"))
    await shop.settle(a_change(claimed, InDoubt("reset")))
    set_clock(MINUTE)
    (again,) = await shop.claim()
    await shop.settle(a_change(again, Confirmed("x")))


DUE = "SELECT due_at FROM notifications ORDER BY sequence"


async def test_what_follows_waits_behind_what_is_put_off_and_is_due_when_that_ends(
    shop: Shop, set_clock: SetClock
) -> None:
    await doubted_and_placed(shop, set_clock)
    [first] = await shop.owed()
    await record(shop, came_to(first, due_in=HOUR))
    [one], [two] = await shop.rows(DUE)
    assert one == two
    set_clock(2 * HOUR)
    [first] = await shop.owed()
    assert await record(shop, came_to(first, NotificationState.EXHAUSTED)) is True
    [_, [follower]] = await shop.rows(DUE)
    assert follower <= (await shop.one("SELECT orderline_now()"))[0]


async def test_what_comes_later_is_put_behind_what_waits_already(
    shop: Shop, set_clock: SetClock
) -> None:
    claimed = await shop.attempt(await shop.claimed("d"))
    await shop.settle(a_change(claimed, InDoubt("reset")))
    [first] = await shop.owed()
    await record(shop, came_to(first, due_in=HOUR))
    set_clock(MINUTE)
    (again,) = await shop.claim()
    await shop.settle(a_change(again, Confirmed("x")), deliver_for=LEASE)
    [one], [two] = await shop.rows(DUE)
    assert one == two


async def test_what_comes_while_an_earlier_one_is_acknowledged_is_not_left_waiting(
    shop: Shop, set_clock: SetClock
) -> None:
    """Whichever commits first: the follower is due at once in the end."""
    claimed = await shop.attempt(await shop.claimed("d"))
    await shop.settle(a_change(claimed, InDoubt("reset")))
    [first] = await shop.owed()
    await record(shop, came_to(first, due_in=HOUR))
    set_clock(2 * MINUTE)
    (again,) = await shop.claim()
    late = came_to(first, ACKNOWLEDGED, fence=0)  # an older claim of another worker
    await asyncio.gather(
        shop.settle(a_change(again, Confirmed("x"))),
        record(shop, late),
    )
    assert len(await shop.owed()) == 1


async def test_what_is_only_replayed_holds_up_nobody(shop: Shop, set_clock: SetClock) -> None:
    await doubted_and_placed(shop, set_clock)
    [first] = await shop.owed()
    await record(shop, came_to(first, ACKNOWLEDGED))
    await shop.execute(
        "UPDATE notifications SET state = 'pending', tries = 0, replays = 1,"
        " due_at = orderline_now() WHERE event_id = :id",
        id=first.event_id,
    )
    both = await shop.owed()
    assert len(both) == 2
    assert {each.replays for each in both} == {0, 1}
    replayed = next(each for each in both if each.event_id == first.event_id)
    before = await shop.rows(DUE)
    await record(shop, came_to(replayed, due_in=DAY))
    assert (await shop.rows(DUE))[1] == before[1]
    row = await shop.one("SELECT * FROM notifications WHERE event_id = :id", id=first.event_id)
    assert row.acknowledged_at is not None


# --- failing, resting, disabled ------------------------------------------------------------------


async def test_a_failure_is_noted_and_a_success_forgets_it(shop: Shop) -> None:
    await owe(shop, 3)
    await fail(shop)
    await fail(shop)
    row = await endpoint(shop)
    assert (row.failures, row.failing_since is None) == (2, False)
    [owed] = await shop.owed()
    await record(shop, came_to(owed, ACKNOWLEDGED))
    row = await endpoint(shop)
    assert (row.failures, row.failing_since) == (0, None)
    assert await told(shop) == []


async def test_a_success_beside_failures_is_a_success(shop: Shop) -> None:
    await owe(shop, 3)
    one, two, three = await shop.owed()
    await record(shop, came_to(one), came_to(two, ACKNOWLEDGED), came_to(three))
    assert (await endpoint(shop)).failures == 0


async def test_what_is_recorded_twice_counts_once(shop: Shop) -> None:
    await owe(shop, 2)
    tried = [came_to(owed) for owed in await shop.owed()]
    for _ in range(2):
        await record(shop, *tried)
    assert (await endpoint(shop)).failures == 2


async def test_an_hour_of_failures_is_told_once_and_so_is_its_end(
    shop: Shop, set_clock: SetClock
) -> None:
    await owe(shop, 1)
    for hours in (0, 0.9, 1.1, 5):
        set_clock(hours * HOUR)
        await fail(shop, due_in=timedelta())
    assert await told(shop) == ["endpoint.failing"]
    set_clock(6 * HOUR)
    [owed] = await shop.owed()
    await record(shop, came_to(owed, ACKNOWLEDGED))
    assert await told(shop) == ["endpoint.failing", "endpoint.recovered"]


async def test_days_of_nothing_but_failures_disable_an_endpoint_and_enabling_begins_anew(
    shop: Shop, set_clock: SetClock
) -> None:
    await owe(shop, 2)
    for days in (0, 1, 3, 4.9):
        set_clock(days * DAY)
        await fail(shop, due_in=timedelta())
    assert (await endpoint(shop)).disabled_at is None
    set_clock(5.1 * DAY)
    await fail(shop, due_in=timedelta())
    row = await endpoint(shop)
    assert (row.disabled_because, row.failures) == ("failing", 5)
    assert "endpoint.disabled" in await told(shop)
    assert await shop.owed() == []
    assert await accounts.any_owed(shop.db) is False
    assert await endpoints.enable(shop.db, HOOKS, ADA) == 2
    row = await endpoint(shop)
    assert (row.disabled_at, row.failing_since, row.failures) == (None, None, 0)
    set_clock(5.1 * DAY + timedelta(seconds=1))
    again = await shop.owed()
    assert [each.tries for each in again] == [0, 0]
    assert await endpoints.enable(shop.db, HOOKS, ADA) is None


async def test_few_failures_disable_nothing_however_long_it_takes(
    shop: Shop, set_clock: SetClock
) -> None:
    await owe(shop, 1)
    for days in (0, 9, 18, 27):
        set_clock(days * DAY)
        await fail(shop, due_in=timedelta())
    assert (await endpoint(shop)).disabled_at is None


async def test_who_is_gone_is_disabled_at_once_and_what_it_is_owed_waits(shop: Shop) -> None:
    await owe(shop, 2)
    owed = await fail(shop, code=410, gone=True)
    assert (await endpoint(shop)).disabled_because == "gone"
    assert await shop.owed() == []
    row = await shop.one("SELECT state FROM notifications WHERE event_id = :i", i=owed.event_id)
    assert row.state == "pending"


async def test_who_asks_to_be_left_alone_is_and_only_that_one(
    shop: Shop, set_clock: SetClock
) -> None:
    await owe(shop, 2)
    await owe(shop, 1, OTHERS[1], name="o")
    first = next(each for each in await shop.owed(free=1))
    await record(shop, came_to(first, code=429, due_in=timedelta(), rest=HOUR))
    assert {each.lane for each in await shop.owed()} == {OTHERS}
    assert await accounts.any_owed(shop.db) is False
    set_clock(HOUR + MINUTE)
    assert {each.lane for each in await shop.owed(free=2)} == {HOOKS}


async def test_a_shorter_rest_does_not_shorten_a_longer_one(shop: Shop) -> None:
    await owe(shop, 2)
    one, two = await shop.owed()
    await record(shop, came_to(one, code=429, rest=HOUR))
    until = (await endpoint(shop)).rests_until
    await record(shop, came_to(two, code=429, rest=MINUTE))
    assert (await endpoint(shop)).rests_until == until


async def test_an_exhausted_notification_is_told(shop: Shop) -> None:
    await owe(shop, 1)
    owed = await fail(shop, state=NotificationState.EXHAUSTED)
    [event] = await shop.rows("SELECT type, data FROM events WHERE endpoint IS NOT NULL")
    assert event.type == "notification.exhausted"
    assert event.data == {"event_id": str(owed.event_id), "tries": 1}


async def test_enabling_keeps_the_order_in_which_things_happened(
    shop: Shop, set_clock: SetClock
) -> None:
    await owe(shop, 5)
    await endpoints.disable(shop.db, HOOKS, ADA)
    await shop.execute("UPDATE notifications SET due_at = orderline_now() + interval '1 day'")
    assert await endpoints.enable(shop.db, HOOKS, ADA) == 5
    rows = await shop.rows("SELECT event_id FROM notifications ORDER BY due_at")
    assert [row.event_id for row in rows] == sorted(row.event_id for row in rows)
    set_clock(timedelta(seconds=1))
    assert len(await shop.owed()) == 5


async def test_what_somebody_delivers_just_now_is_left_to_them(shop: Shop) -> None:
    await owe(shop, 2)
    [under_way] = await shop.owed(free=1)
    assert await endpoints.disable(shop.db, HOOKS, ADA) == 2
    assert await endpoints.enable(shop.db, HOOKS, ADA) == 1
    await record(shop, came_to(under_way, ACKNOWLEDGED))
    row = await shop.one("SELECT state FROM notifications WHERE event_id=:i", i=under_way.event_id)
    assert row.state == "acknowledged"


async def test_what_an_operator_decides_is_told_and_purged_after_a_while(
    shop: Shop, set_clock: SetClock
) -> None:
    await owe(shop, 1)
    assert await endpoints.disable(shop.db, HOOKS, ADA) == 1
    assert await endpoints.disable(shop.db, HOOKS, ADA) is None
    await endpoints.enable(shop.db, HOOKS, ADA)
    events = await shop.rows("SELECT type, data FROM events WHERE endpoint IS NOT NULL ORDER BY at")
    assert [row.type for row in events] == ["endpoint.disabled", "endpoint.enabled"]
    assert events[0].data == {"because": "operator", "by": "ada", "why": "because"}
    assert events[1].data == {"by": "ada", "why": "because"}
    assert await purge.delete_events(shop.db, "endpoint", DAY, 10) == 0
    set_clock(2 * DAY)
    assert await purge.delete_events(shop.db, "endpoint", DAY, 10) == 2
    assert await told(shop) == []


async def test_enabling_and_recording_at_once_end_both(shop: Shop) -> None:
    """They lock the same rows, and in the same order."""
    await owe(shop, 30)
    owed = await shop.owed(free=30)
    await asyncio.gather(
        record(shop, *(came_to(each) for each in owed)),
        endpoints.enable(shop.db, HOOKS, ADA),
        endpoints.disable(shop.db, HOOKS, ADA),
        record(shop, *(came_to(each, ACKNOWLEDGED) for each in reversed(owed))),
    )
    assert await shop.rows("SELECT FROM notifications WHERE state <> 'acknowledged'") == []


# --- what people see -----------------------------------------------------------------------------


async def test_views_say_how_an_endpoint_stands(shop: Shop) -> None:
    await owe(shop, 3)
    await owe(shop, 1, OTHERS[1], name="o")
    [one] = [each for each in await shop.owed() if each.lane == OTHERS]
    await record(shop, came_to(one, ACKNOWLEDGED))
    await endpoints.disable(shop.db, HOOKS, ADA)
    first, second = await listed(shop.db, Reached(producer="shop"))
    assert (first.url, first.state, first.waiting) == (HOOKS[1], "disabled", 3)
    assert first.oldest_at is not None
    assert first.delivered_at is None
    assert (second.url, second.state, second.waiting) == (OTHERS[1], "ok", 0)
    assert second.delivered_at is not None
    assert [each.url for each in await listed(shop.db, Reached(state="ok"))] == [OTHERS[1]]
    assert len(await find_endpoints(shop.db, "https://", None)) == 2
    [found] = await find_endpoints(shop.db, f"{HOOKS[1]}?key=1", "shop")
    assert found.url == HOOKS[1]
    story = await endpoint_story(shop.db, OTHERS)
    assert [each.code for each in story.deliveries] == [204]


# --- at size -------------------------------------------------------------------------------------

_CROWD = """
ALTER TABLE events DISABLE TRIGGER ALL;

ALTER TABLE notifications DISABLE TRIGGER ALL;

INSERT INTO endpoints (producer, url) SELECT 'shop', 'https://' || n || '.example'
FROM generate_series(1, 200) n;

INSERT INTO events (id, order_id, type, data)
SELECT gen_random_uuid(), o.id, 'line.accepted', '{}'
FROM orders o, generate_series(1, 151000) n;

INSERT INTO notifications (event_id, subject, sequence, producer, url, state, due_at)
SELECT id, gen_random_uuid(), 1, 'shop',
    'https://' || CASE WHEN n <= 150000 THEN 1 ELSE n % 200 + 1 END || '.example',
    CASE WHEN n <= 100000 THEN 'acknowledged' ELSE 'pending' END,
    CASE WHEN n > 100000 THEN now() - n * interval '1 ms' END
FROM (SELECT id, row_number() OVER () AS n FROM events) e;
ANALYZE
"""


@pytest.mark.slow
async def test_one_endpoints_backlog_costs_the_others_nothing(shop: Shop) -> None:
    await shop.accept(an_intent())
    for statement in _CROWD.split(";"):
        await shop.execute(statement)
    taken = [{"producer": "shop", "url": "https://1.example", "count": 3, "failing": False}]
    values: dict[str, Any] = {
        "free": 64,
        "lease": 60,
        "each": NO_LIMIT.each // 30,
        "failing": 32,
        "taken": json.dumps(taken),
    }
    plan = await shop.plan(notifications._CLAIM, **values)
    assert "Seq Scan on notifications" not in plan, plan
    assert "Seq Scan on events" not in plan, plan
    analyzed = await shop.rows(f"EXPLAIN (ANALYZE) {notifications._CLAIM.text}", **values)
    lines = [line for (line,) in analyzed]
    took = float(lines[-1].partition(": ")[2].removesuffix(" ms"))
    assert took < 250, "\n".join(lines)
    owing = await shop.plan(accounts._ANY_OWED)
    assert "Seq Scan on notifications" not in owing, owing
