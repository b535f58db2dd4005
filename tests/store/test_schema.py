"""What the schema itself refuses, whoever asks: each promise that is a constraint, tried in SQL."""

import pytest
from sqlalchemy import exc

from tests.builders import an_intent
from tests.store.conftest import Shop, a_change
from worker.outcome import Confirmed

ORDER = """
INSERT INTO orders (id, producer, intent_id, fingerprint, provider, account, intent, notify_url,
    state, step, due_at)
SELECT gen_random_uuid(), producer, 'another', fingerprint, provider, account, intent, notify_url,
    state, step, due_at FROM orders LIMIT 1
"""
LINE = """
INSERT INTO lines (id, order_id, index, producer, deliver_id, line_ref, state)
SELECT gen_random_uuid(), order_id, {index}, producer, {deliver_id}, {line_ref}, state
FROM lines WHERE index = 0
"""
ATTEMPT = """
INSERT INTO attempts (id, order_id, number, step, reference, fence, outcome)
SELECT gen_random_uuid(), order_id, {number}, 'place', 'r', 1, {outcome} FROM attempts LIMIT 1
"""
EVENT = """
INSERT INTO events (id, order_id, line_id, sequence, type, data)
SELECT gen_random_uuid(), order_id, {line_id}, {sequence}, type, data
FROM events WHERE sequence = 1 AND line_id IS NOT NULL LIMIT 1
"""
QUARANTINE = """
INSERT INTO quarantine (id, producer, stream, entry_id, digest, sealed_entry, code, path, detail)
SELECT gen_random_uuid(), producer, stream, entry_id, digest, sealed_entry, code, path, detail
FROM quarantine
"""

SURPLUS = """
INSERT INTO surplus_orders (id, order_id, provider_ref, reason)
SELECT gen_random_uuid(), id, {ref}, 'looked up' FROM orders
"""

TOMBSTONE = """
INSERT INTO tombstones (producer, intent_id, fingerprint, order_id, state, ended_at)
SELECT producer, {intent_id}, '', id, {state}, now() FROM orders
"""
USED = """
INSERT INTO used_deliver_ids (producer, deliver_id, order_id)
SELECT producer, 'buried', order_id FROM tombstones
"""

CALLS = """
INSERT INTO account_calls (provider, account, at, made, failed)
VALUES ('hyperteknoloji', '{account}', now(), 1, {failed})
"""
REST = """
INSERT INTO events (id, provider, account, type, data)
VALUES (gen_random_uuid(), {provider}, {account}, 'account.opened', '{{}}')
"""

RUN = """
INSERT INTO reconciliations (id, provider, account, since, asked_by, state)
VALUES (gen_random_uuid(), 'hyperteknoloji', 'default', now(), 'beat', '{state}')
"""
SHELF = """
INSERT INTO reconciled_shelves (run_id, shelf, state) SELECT id, '', 'unread' FROM reconciliations
"""
DIFFERENCE = """
INSERT INTO differences (id, provider, account, kind, rule, order_id, line, ours, theirs, found_in,
    seen_in)
SELECT gen_random_uuid(), provider, account, 'missing_there', 'park', id, '', 'placed', 'not there',
    id, id FROM orders
"""

NOTICE = """
INSERT INTO events (id, order_id, quarantine_id, sequence, type, data)
SELECT gen_random_uuid(), {order_id}, q.id, {sequence}, 'intent.quarantined', '{{}}'
FROM quarantine q, (SELECT order_id FROM events WHERE order_id IS NOT NULL LIMIT 1) e
"""
NOTICED = NOTICE.format(order_id="NULL", sequence=2)
SET_ASIDE_FOR_GOOD = f"{NOTICED}; DELETE FROM quarantine"  # noqa: S608 -- constants of ours
FAILED = """
INSERT INTO events (id, producer, endpoint, type, data)
SELECT gen_random_uuid(), {producer}, {url}, 'endpoint.disabled', '{{}}' FROM endpoints
"""
SECRET = """
INSERT INTO webhook_secrets (id, producer, sealed_secret, ends_at)
VALUES (gen_random_uuid(), {producer}, '', {ends})
"""
API_KEY = "INSERT INTO api_keys (id, producer, digest) VALUES ('a', '{producer}', '')"

OPERATOR = "INSERT INTO operators (name, role, password_hash) VALUES ('{name}', '{role}', '')"
SIGNED_IN = """
INSERT INTO operator_sessions (digest, operator, ends_at) VALUES ('', 'nobody', now())
"""
DEED = """
INSERT INTO deeds (id, by, via, action, data)
VALUES (gen_random_uuid(), 'ada', 'shouting', 'paused', '{}')
"""

FORGOTTEN = "UPDATE {} SET decision = 'forgotten', closed_at = now(), closed_by = 'me'"

BROKEN = [
    ("an_intent_is_accepted_once", ORDER.replace("'another'", "intent_id")),
    ("orders_producer_fkey", ORDER.replace("producer, 'another'", "'nobody', 'another'")),
    ("state_is_known", "UPDATE orders SET state = 'lost'"),
    ("step_is_known", "UPDATE orders SET step = 'wait'"),
    ("nothing_is_silently_stuck", "UPDATE orders SET due_at = NULL, step = NULL"),
    ("what_is_due_has_a_step", "UPDATE orders SET step = NULL"),
    ("what_is_due_has_a_step", "UPDATE orders SET state = 'failed', due_at = NULL"),
    (
        "an_unanswered_wish_is_due",
        "UPDATE orders SET state = 'failed', step = NULL, due_at = NULL, cancel_asked_at = now()",
    ),
    ("parked_has_a_reason", "UPDATE orders SET state = 'parked'"),
    ("parked_has_a_reason", "UPDATE orders SET parked_reason = 'why not'"),
    (
        "a_deliver_id_is_used_once",
        LINE.format(index=9, deliver_id="deliver_id", line_ref="'new'"),
    ),
    ("lines_have_places", LINE.format(index=0, deliver_id="'new'", line_ref="'new'")),
    ("a_line_ref_is_unique", LINE.format(index=9, deliver_id="'new'", line_ref="line_ref")),
    ("state_is_known", "UPDATE lines SET state = 'lost'"),
    ("attempts_are_numbered", ATTEMPT.format(number="number", outcome="'refused'")),
    ("step_is_known", "UPDATE attempts SET step = 'guess'"),
    ("outcome_is_known", "UPDATE attempts SET outcome = 'maybe'"),
    ("a_lines_events_are_numbered", EVENT.format(line_id="line_id", sequence="sequence")),
    ("a_sequence_is_of_what_is_told", EVENT.format(line_id="line_id", sequence="NULL")),
    ("a_sequence_is_of_what_is_told", EVENT.format(line_id="NULL", sequence="7")),
    ("an_event_is_about_one_thing", NOTICE.format(order_id="order_id", sequence=2)),
    ("an_entrys_events_are_numbered", f"{NOTICED}; {NOTICED}"),
    ("an_endpoint_is_a_producers", FAILED.format(producer="NULL", url="url")),
    ("events_producer_endpoint_fkey", FAILED.format(producer="producer", url="url || '/b'")),
    ("events_quarantine_id_fkey", SET_ASIDE_FOR_GOOD),
    ("an_endpoint_has_no_query", "UPDATE endpoints SET url = url || '?a'"),
    ("failing_has_failures", "UPDATE endpoints SET failing_since = now()"),
    ("failing_has_failures", "UPDATE endpoints SET failures = 1"),
    ("disabled_has_a_reason", "UPDATE endpoints SET disabled_at = now()"),
    (
        "disabled_because_is_known",
        "UPDATE endpoints SET disabled_at = now(), disabled_because = 'bored'",
    ),
    ("what_is_owed_has_an_endpoint", "UPDATE notifications SET url = 'https://else.example'"),
    (
        "endpoints_producer_fkey",
        "INSERT INTO endpoints (producer, url) VALUES ('nobody', 'https://a')",
    ),
    ("one_current_secret_per_producer", SECRET.format(ends="NULL", producer="'shop'")),
    ("webhook_secrets_producer_fkey", SECRET.format(ends="now()", producer="'nobody'")),
    ("api_keys_producer_fkey", API_KEY.format(producer="nobody")),
    ("api_keys_pkey", f"{API_KEY}; {API_KEY}".format(producer="shop")),
    ("state_is_known", "UPDATE notifications SET state = 'perhaps'"),
    ("what_is_owed_is_due", "UPDATE notifications SET due_at = NULL"),
    ("what_is_owed_is_due", "UPDATE notifications SET state = 'acknowledged'"),
    (
        "deliveries_event_id_fkey",
        "INSERT INTO deliveries (event_id, number, milliseconds) VALUES (gen_random_uuid(), 1, 1)",
    ),
    ("fkey", "DELETE FROM orders"),
    ("fkey", "DELETE FROM producers"),
    ("provider_ref", "UPDATE orders SET provider_ref = 'another'"),
    ("provider_ref", "UPDATE orders SET provider_ref = NULL"),
    ("an_entry_is_quarantined_once", QUARANTINE),
    ("decision_is_known", FORGOTTEN.format("quarantine")),
    ("closed_by_a_decision", "UPDATE quarantine SET closed_at = now(), closed_by = 'me'"),
    ("decision_is_known", FORGOTTEN.format("surplus_orders")),
    ("closed_by_a_decision", "UPDATE surplus_orders SET closed_at = now(), decision = 'kept'"),
    ("a_surplus_order_is_found_once", SURPLUS.format(ref="NULL")),
    ("what_is_open_says_something", "UPDATE quarantine SET sealed_entry = NULL"),
    ("tombstones_pkey", TOMBSTONE.format(intent_id="'buried'", state="'failed'")),
    ("an_order_is_buried_once", TOMBSTONE.format(intent_id="'another'", state="'failed'")),
    ("only_what_ended_is_buried", TOMBSTONE.format(intent_id="'another'", state="'parked'")),
    ("tombstones_producer_fkey", "UPDATE tombstones SET producer = 'nobody'"),
    ("used_deliver_ids_order_id_fkey", "DELETE FROM tombstones"),
    ("used_deliver_ids_pkey", USED),
    ("state_is_known", RUN.format(state="asleep")),
    ("one_run_under_way_per_account", RUN.format(state="comparing")),
    ("state_is_known", "UPDATE reconciled_shelves SET state = 'torn'"),
    ("fkey", "DELETE FROM reconciliations"),
    ("kind_is_known", "UPDATE differences SET kind = 'odd'"),
    ("rule_is_known", "UPDATE differences SET rule = 'shrug'"),
    ("handling_is_known", "UPDATE differences SET handling = 'shrugged'"),
    ("closed_by_somebody", "UPDATE differences SET closed_at = now()"),
    ("a_difference_is_open_once", DIFFERENCE),
    ("a_priority_is_known", "UPDATE orders SET priority = 3"),
    ("a_limit_lets_something_in", "UPDATE producers SET max_open = 0"),
    ("an_open_breaker_is_probed", "UPDATE accounts SET opened_at = now(), opened_because = 'x'"),
    ("an_open_breaker_is_probed", "UPDATE accounts SET probing_until = now()"),
    ("a_pause_is_somebodys", "UPDATE accounts SET paused_at = now()"),
    ("a_pause_is_somebodys", "UPDATE accounts SET paused_until = now()"),
    ("no_more_failed_than_were_made", CALLS.format(account="default", failed=2)),
    ("account_calls_provider_account_fkey", CALLS.format(account="nobodys", failed=0)),
    ("an_account_is_a_providers", REST.format(provider="NULL", account="'default'")),
    ("a_name_can_be_typed", OPERATOR.format(name="Ada Lovelace", role="view")),
    ("role_is_known", OPERATOR.format(name="ada", role="god")),
    ("operator_sessions_operator_fkey", SIGNED_IN),
    ("via_is_known", DEED),
    ("events_provider_account_fkey", REST.format(provider="'gifthub'", account="'nobodys'")),
]


@pytest.fixture
async def placed(shop: Shop) -> Shop:
    """One of everything: a placed order with two lines, an attempt, events, notifications, and the
    tombstone that it cannot have yet."""
    await shop.accept(an_intent("a", "b"), b"{")
    (claimed,) = await shop.claim()
    await shop.settle(a_change(await shop.attempt(claimed), Confirmed("their-id")))
    await shop.execute(SURPLUS.format(ref="NULL"))
    await shop.execute(TOMBSTONE.format(intent_id="'buried'", state="'failed'"))
    await shop.execute(USED)
    for statement in (RUN.format(state="reading"), SHELF, DIFFERENCE):
        await shop.execute(statement)
    return shop


@pytest.mark.parametrize(
    ("constraint", "sql"), BROKEN, ids=[f"{n}-{c}" for n, (c, _) in enumerate(BROKEN)]
)
async def test_the_schema_refuses(placed: Shop, constraint: str, sql: str) -> None:
    with pytest.raises(exc.IntegrityError, match=constraint):
        await placed.execute(sql)


async def test_a_second_open_attempt_is_refused_but_a_closed_one_is_not(placed: Shop) -> None:
    await placed.execute(ATTEMPT.format(number=2, outcome="NULL"))
    with pytest.raises(exc.IntegrityError, match="one_open_attempt_per_order"):
        await placed.execute(ATTEMPT.format(number=3, outcome="NULL"))
    await placed.execute(ATTEMPT.format(number=3, outcome="'in_doubt'"))


async def test_the_providers_id_may_be_written_again_as_it_is(placed: Shop) -> None:
    await placed.execute("UPDATE orders SET provider_ref = 'their-id'")


async def test_every_constraint_of_ours_was_tried(placed: Shop) -> None:
    rows = await placed.rows(
        "SELECT conname FROM pg_constraint JOIN pg_namespace n ON n.oid = connamespace"
        " WHERE n.nspname = 'public' AND contype IN ('c', 'u') AND conname NOT LIKE 'alembic%'"
    )
    assert {row.conname for row in rows} <= {constraint for constraint, _ in BROKEN}
    indexes = await placed.rows(
        "SELECT indexrelid::regclass::text AS name FROM pg_index i"
        " WHERE indisunique AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)"
        " AND indrelid::regclass::text IN (SELECT tablename FROM pg_tables"
        " WHERE schemaname = 'public')"
    )
    assert {row.name for row in indexes} == {
        "a_difference_is_open_once",
        "a_surplus_order_is_found_once",
        "one_current_secret_per_producer",
        "one_open_attempt_per_order",
        "one_run_under_way_per_account",
    }
