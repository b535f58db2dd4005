"""Producers are told of what was set aside: at their registered URL, in the commit that does it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from schemas.notifications import Notice
from tests.builders import an_entry, an_intent, raw
from tests.store.conftest import Shop
from worker.steps.accept import accept_into
from worker.steps.replay import replay
from worker.store import deliveries, erasing, producers, purge, quarantine
from worker.store.deliveries import Delivered
from worker.store.intake import Entry, EntryKind
from worker.store.quarantine import Decided
from worker.store.tables_told import NotificationState
from worker.store.views_quarantine import kept

ADA = Decided(by="ada", why="a test of theirs")
BAD = an_intent(colour="red", notify_url="https://attacker.example/")
NOW = timedelta()


async def set_aside(shop: Shop, *entries: Entry) -> list[Any]:
    """The ids of what is in quarantine, once these were taken in."""
    await accept_into(shop.db, shop.vault, shop.settings, entries)
    return [row.id for row in await shop.rows("SELECT id FROM quarantine ORDER BY id")]


async def heard(shop: Shop) -> list[Notice]:
    """What is due now, acknowledged by its producer."""
    owed = await shop.owed(free=1000)
    batch = [
        Delivered(
            event_id=each.event_id,
            fence=each.fence,
            replays=each.replays,
            tries=1,
            state=NotificationState.ACKNOWLEDGED,
            due_in=None,
            milliseconds=1,
            code=200,
            error=None,
            excerpt="thanks, Ay\u015fe",
        )
        for each in owed
    ]
    await deliveries.record(shop.db, batch)
    assert {each.url for each in owed} <= {"https://shop.example/hooks"}
    return [each.notification for each in owed if isinstance(each.notification, Notice)]


async def test_what_is_set_aside_is_told_with_its_fault_and_never_with_what_it_says(
    shop: Shop,
) -> None:
    entry = an_entry(BAD)
    [quarantine_id] = await set_aside(shop, entry)
    [notice] = await heard(shop)
    assert notice.type == "intent.quarantined"
    assert notice.data.model_dump(exclude_none=True) == {
        "producer": "shop",
        "quarantine_id": str(quarantine_id),
        "sequence": 1,
        "kind": "intent",
        "entry_id": entry.entry_id,
        "intent_id": "i-1",
        "code": "unknown_field",
        "path": "colour",
        "detail": "There is no such field here",
    }


@pytest.mark.parametrize(
    ("said", "intent_id"),
    [
        (b"{", None),
        (b"\xff", None),
        (b'["i-1"]', None),
        (b'{"intent_id": 7}', None),
        (b'{"intent_id": ""}', None),
        (b'{"intent_id": "a\\u0007b"}', None),
        (raw({"intent_id": "x" * 129}), None),
        (b'{"intent_id": "one", "intent_id": "two"}', None),
        (b'{"intent_id": "i-7"}', "i-7"),
    ],
)
async def test_an_id_is_told_where_one_can_be_read(
    shop: Shop, said: bytes, intent_id: str | None
) -> None:
    await set_aside(shop, an_entry(said))
    [notice] = await heard(shop)
    assert notice.data.intent_id == intent_id


async def test_that_nothing_will_become_of_it_is_told_at_once_where_that_is_certain(
    shop: Shop,
) -> None:
    await shop.accept(an_intent())
    other = an_entry(an_intent(account="other"))
    await set_aside(shop, other, an_entry({"intent_id": "none"}, kind=EntryKind.CANCEL))
    told = {(each.data.kind, each.data.code): each.type for each in await heard(shop)}
    assert told == {
        ("intent", "repeated_with_other_content"): "intent.refused",
        ("cancel", "unknown_intent"): "intent.refused",
    }


async def test_the_same_entry_is_told_once_and_a_name_that_nobody_registered_never(
    shop: Shop,
) -> None:
    entry = an_entry(BAD)
    for _ in range(2):
        await set_aside(shop, entry, an_entry(BAD, producer="stranger", entry_id="1-1"))
    assert len(await heard(shop)) == 1
    assert (await shop.one("SELECT count(*) AS n FROM events")).n == 1


async def test_a_drop_is_told_after_the_fault_with_what_the_person_said(shop: Shop) -> None:
    [quarantine_id] = await set_aside(shop, an_entry(BAD))
    await quarantine.drop(shop.db, quarantine_id, ADA)
    [first] = await heard(shop)
    [second] = await heard(shop)
    assert (first.type, second.type) == ("intent.quarantined", "intent.refused")
    assert second.data == first.data.model_copy(update={"sequence": 2, "reason": ADA.why})


async def test_what_was_refused_is_not_refused_again(shop: Shop) -> None:
    wish = an_entry({"intent_id": "none"}, kind=EntryKind.CANCEL)
    [quarantine_id] = await set_aside(shop, wish)
    assert len(await heard(shop)) == 1
    await quarantine.drop(shop.db, quarantine_id, ADA)
    assert await heard(shop) == []


async def test_of_an_entry_from_before_there_were_notices_the_drop_is_the_first(shop: Shop) -> None:
    [quarantine_id] = await set_aside(shop, an_entry(BAD, producer="late"))
    assert await heard(shop) == []
    await producers.add(
        shop.db,
        shop.vault,
        name="late",
        notify_url="https://shop.example/hooks",
        secret="whsec_",
    )
    await quarantine.drop(shop.db, quarantine_id, ADA)
    [notice] = await heard(shop)
    assert (notice.data.sequence, notice.data.intent_id) == (1, None)
    assert (notice.data.code, notice.data.reason) == ("unknown_field", ADA.why)


async def test_a_replay_tells_nothing_of_its_own(shop: Shop) -> None:
    [quarantine_id] = await set_aside(shop, an_entry(BAD))
    await heard(shop)
    entry = await kept(shop.db, shop.vault, quarantine_id)
    for text in (b"{", raw(an_intent())):
        await replay(shop.db, shop.vault, shop.settings, entry.saying(text), ADA)
    assert await heard(shop) == []


async def test_a_disabled_producer_is_told_that_nothing_is_taken_from_it(shop: Shop) -> None:
    await producers.set_disabled(shop.db, "shop", disabled=True)
    wish = an_entry({"intent_id": "i-1"}, kind=EntryKind.CANCEL)
    ids = await set_aside(shop, an_entry(an_intent()), wish)
    notices = await heard(shop)
    assert {(each.type, each.data.code) for each in notices} == {
        ("intent.quarantined", "producer_disabled")
    }
    await producers.set_disabled(shop.db, "shop", disabled=False)
    for quarantine_id in ids:
        entry = await kept(shop.db, shop.vault, quarantine_id)
        came_to = await replay(shop.db, shop.vault, shop.settings, entry, ADA)
        assert came_to.order_id


async def test_an_entry_goes_with_its_notices_once_none_is_owed(shop: Shop) -> None:
    [quarantine_id] = await set_aside(shop, an_entry(BAD))
    await quarantine.drop(shop.db, quarantine_id, ADA)
    await heard(shop)
    assert await erasing.erase_closed(shop.db, NOW, 10) == 0
    assert await purge.delete_closed(shop.db, NOW, 10) == 0
    await heard(shop)
    assert await erasing.erase_closed(shop.db, NOW, 10) == 1
    assert [row.excerpt for row in await shop.rows("SELECT excerpt FROM deliveries")] == [None] * 2
    assert await purge.delete_closed(shop.db, NOW, 10) == 1
    for table in ("quarantine", "events", "notifications", "deliveries"):
        assert await shop.rows(f"SELECT FROM {table}") == []


async def test_a_flood_of_faulty_entries_takes_one_statement_a_batch(shop: Shop) -> None:
    seen: list[str] = []

    @event.listens_for(shop.db.engine.sync_engine, "before_cursor_execute")
    def note(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    await accept_into(shop.db, shop.vault, shop.settings, [an_entry(BAD) for _ in range(3)])
    few = len(seen)
    seen.clear()
    await accept_into(shop.db, shop.vault, shop.settings, [an_entry(BAD) for _ in range(500)])
    assert len(seen) == few
    assert (await shop.one("SELECT count(*) AS n FROM notifications")).n == 503
