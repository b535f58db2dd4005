"""The command killed at its own commits, and run again: nothing is doubled, and nothing is half."""

import asyncio
import json
import signal

import pytest

from schemas.ids import OrderId
from tests.crash.moments import Moment
from tests.crash.nursery import Child
from tests.crash.promises import check_promises
from tests.crash.sides import one_side
from tests.crash.works import PATIENCE, Works
from tests.stories.conftest import adobe, feedback, hyper
from worker import streams
from worker.crypto import Vault
from worker.operating.hand import Hand
from worker.outcome import Confirmed
from worker.store import attempts, operators
from worker.store.claimed import peek
from worker.store.deeds import Act
from worker.store.sealed import count_keys
from worker.store.session import Boundary
from worker.store.tables_operators import Role, Via

_FACTS = "SELECT type FROM events WHERE line_id IS NULL"


@pytest.mark.parametrize("moment", one_side(Boundary.CANCEL), ids=str)
async def test_a_wish_is_answered_once_however_often_it_was_uttered(
    works: Works, moment: Moment
) -> None:
    await works.start_worker("worker")
    await works.start_beat()
    await works.submit(hyper("h", 38, lines=2), adobe("a"))
    await works.until_states("placed", of="h")
    await works.until_dead(works.orderline("killed", "cancel", "h", crash_at=moment), moment)
    assert await _ended(works.orderline("again", "cancel", "h", "--wait", "30")) == 0
    await works.until_at_rest()
    await check_promises(works)
    assert await works.states() == {"h": "cancelled", "a": "fulfilled"}
    told = [body["type"] for body in works.receiver.received.first.values()]
    assert told.count("line.cancelled") == 2


@pytest.mark.parametrize("moment", one_side(Boundary.PRODUCER), ids=str)
async def test_a_producer_is_registered_once(works: Works, moment: Moment) -> None:
    add = ("producers", "add", "late-shop", "--notify-url", works.receiver.hook("late-shop"))
    await works.until_dead(works.orderline("killed", *add, crash_at=moment), moment)
    code = await _ended(works.orderline("again", *add))
    assert code == (0 if moment.side == "before" else 1)
    assert works.said("again", "registered already") is (moment.side == "after")
    known = [row.name for row in await works.all("SELECT name FROM producers ORDER BY name")]
    assert known == ["late-shop", "shop"]


@pytest.mark.parametrize("moment", one_side(Boundary.OPERATOR), ids=str)
async def test_an_operator_is_shut_out_in_one_commit_with_the_deed(
    works: Works, moment: Moment
) -> None:
    deed = Hand("root", Via.COMMAND).deed(Act.OPERATOR_ADDED, about="ada")
    await operators.add(works.db, "ada", Role.OPERATE, "kept", deed)
    await operators.sign_in(works.db, "token", "ada", "kept", deed)
    shut_out = ("operators", "disable", "ada", "--by", "root")
    await works.until_dead(works.orderline("killed", *shut_out, crash_at=moment), moment)
    done = int(moment.side == "after")
    changed = "SELECT count(*) FROM deeds WHERE action = 'operator changed'"
    assert await works.one(changed) == done
    assert await works.one("SELECT count(disabled_at) FROM operators") == done
    assert await works.one("SELECT count(*) FROM operator_sessions") == 1 - done
    assert await _ended(works.orderline("again", *shut_out)) == 0
    assert await works.one(changed) == 1 + done
    assert await operators.who(works.db, "token") is None


@pytest.mark.parametrize("moment", [*one_side(Boundary.CLAIM), *one_side(Boundary.SETTLE)], ids=str)
async def test_a_parked_order_is_decided_about_once(works: Works, moment: Moment) -> None:
    await works.start_worker("worker")
    await works.start_beat()
    await works.submit(feedback("f", "sandbox-cut-after"))
    await works.until_states("parked", of="f")
    decide = ("resolve", "f", "--as", "placed", "--why", "seen in their panel", "--by", "ada")
    await works.until_dead(works.orderline("killed", *decide, crash_at=moment), moment)
    code = await _ended(works.orderline("again", *decide))
    decided = moment == Moment(Boundary.SETTLE, "after")
    assert code == (1 if decided else 0)
    assert works.said("again", "recorded as placed by ada")
    await works.until_at_rest()
    await check_promises(works)
    assert await works.states() == {"f": "fulfilled"}
    assert [row.type for row in await works.all(_FACTS)].count("order.resolved") == 1


@pytest.mark.parametrize("moment", one_side(Boundary.SURPLUS), ids=str)
async def test_a_surplus_order_is_closed_once(works: Works, moment: Moment) -> None:
    await works.start_worker("worker")
    await works.submit(hyper("h"))
    await works.until_states("placed", "fulfilled", of="h")
    await _find_surplus(works, "4711")
    close = ("resolve", "h", "--as", "returned", "--ref", "4711", "--why", "done", "--by", "ada")
    await works.until_dead(works.orderline("killed", *close, crash_at=moment), moment)
    assert await _ended(works.orderline("again", *close)) == (0 if moment.side == "before" else 1)
    await works.start_beat()
    await works.until_at_rest()
    await check_promises(works)
    assert [row.type for row in await works.all(_FACTS)].count("order.surplus_closed") == 1


@pytest.mark.parametrize("moment", one_side(Boundary.INTAKE), ids=str)
async def test_an_entry_in_quarantine_is_taken_in_again_once(works: Works, moment: Moment) -> None:
    await works.start_worker("worker")
    await works.start_beat()
    entry = await _set_aside(works, "h")
    again = ("quarantine", "replay", entry, "--unset", "walet", "--by", "ada", "--why", "a typo")
    await works.until_dead(works.orderline("killed", *again, crash_at=moment), moment)
    assert await _ended(works.orderline("again", *again)) == (0 if moment.side == "before" else 1)
    works.faulty -= 1
    works.asked["h"] = hyper("h")
    await works.until_at_rest()
    await check_promises(works)
    assert await works.states() == {"h": "fulfilled"}
    facts = [row.type for row in await works.all(_FACTS)]
    assert facts.count("order.taken_from_quarantine") == 1


@pytest.mark.parametrize("moment", one_side(Boundary.QUARANTINE), ids=str)
async def test_an_entry_in_quarantine_is_dropped_once(works: Works, moment: Moment) -> None:
    await works.start_worker("worker")
    await works.start_beat()
    entry = await _set_aside(works, "h")
    drop = ("quarantine", "drop", entry, "--by", "ada", "--why", "a test")
    await works.until_dead(works.orderline("killed", *drop, crash_at=moment), moment)
    assert await _ended(works.orderline("again", *drop)) == (0 if moment.side == "before" else 1)
    works.faulty -= 1
    await works.until_at_rest()
    await check_promises(works)
    told = [body["type"] for body in works.receiver.received.first.values()]
    assert told == ["intent.quarantined", "intent.refused"]
    decided = await works.all("SELECT decision, closed_by FROM quarantine")
    assert decided == [("dropped", "ada")]


@pytest.mark.parametrize("moment", one_side(Boundary.REPLAY), ids=str)
async def test_a_notification_is_replayed_whole_or_not(works: Works, moment: Moment) -> None:
    await works.start_worker("worker")
    await works.start_beat()
    await works.submit(feedback("f"))
    await works.until_at_rest()
    replay = ("notifications", "replay", "--order", "f", "--by", "ada", "--why", "lost there")
    await works.until_dead(works.orderline("killed", *replay, crash_at=moment), moment)
    assert await _ended(works.orderline("again", *replay)) == 0
    await works.until_at_rest()
    await check_promises(works)
    times = 1 if moment.side == "before" else 2
    assert await works.all("SELECT replays, state FROM notifications") == [(times, "acknowledged")]
    assert [row.type for row in await works.all(_FACTS)].count("notification.replayed") == times


@pytest.mark.parametrize("moment", one_side(Boundary.REKEY), ids=str)
async def test_sealing_anew_goes_on_where_it_was_killed(works: Works, moment: Moment) -> None:
    worker = await works.start_worker("worker")
    await works.start_beat()
    await works.submit(hyper("h"))
    await _set_aside(works, "typo")
    await works.until_at_rest()
    old, new = works.system.encryption_key, Vault.new_key()
    worker.signal(signal.SIGKILL)
    both = {"ORDERLINE_ENCRYPTION_KEYS": f"{new},{old}"}
    killed = works.run("killed", "tests.crash.victim_cli", "rekey", CRASH_AT=str(moment), **both)
    await works.until_dead(killed, moment)
    assert await _ended(works.run("again", "tests.crash.victim_cli", "rekey", **both)) == 0
    assert works.said("again", "may be taken out")
    counts = await count_keys(works.db)
    assert counts
    assert set(counts) == {*Vault([new]).key_ids}
    works.secrets.append(new)
    await works.start_worker("heir", ORDERLINE_ENCRYPTION_KEYS=new)
    await works.submit(hyper("i"))
    await works.until_at_rest()
    await check_promises(works)


async def _set_aside(works: Works, intent_id: str) -> str:
    """Put an intent with a typo on the stream; the id it gets in quarantine."""
    await streams.put(works.redis, works.producer, json.dumps({**hyper(intent_id), "walet": 1}))
    works.faulty += 1

    async def there() -> bool:
        return bool(await works.one("SELECT count(*) FROM quarantine") == works.faulty)

    await works.until(there, "the entry is in quarantine")
    await works.until_nothing_waits()
    return str(await works.one("SELECT id FROM quarantine"))


async def _find_surplus(works: Works, ref: str) -> None:
    """A yes that comes late, and names another order than the one we have."""
    vault = Vault([works.system.encryption_key])
    order_id = OrderId(await works.one("SELECT id FROM orders"))
    [order] = await peek(works.db, vault, [order_id])
    assert order.attempt is not None
    await attempts.note_late(works.db, order.attempt, Confirmed(ref), "late", None)


async def _ended(command: Child) -> int | None:
    return await asyncio.to_thread(command.wait, PATIENCE)
