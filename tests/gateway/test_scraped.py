"""``/metrics`` of the gateway: what it tells, to whom, and what is left when a server is away."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from tests.builders import an_entry, an_intent
from tests.gateway.conftest import NOWHERE, Door, Opener, until_known
from worker.crypto import Vault
from worker.gateway import standing
from worker.gateway.samples import NOT_CONFIGURED, Named, Totals
from worker.metrics.families import GATEWAY, LABELS
from worker.metrics.standing import STANDING
from worker.settings import Settings
from worker.steps.accept import accept_into
from worker.store import views_metrics
from worker.store.session import Boundary, Database
from worker.streams import put

TOKEN = "a-token-of-sixteen-or-more"
NOWHERE_DATABASE = "postgresql://nobody@127.0.0.1:1/nothing"


async def scraped(door: Door, **headers: str) -> dict[tuple[str, frozenset[Any]], float]:
    answer = await door.http.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: dict[Any, float], name: str, **labels: str) -> float:
    return samples[f"orderline_{name}", frozenset(labels.items())]


@pytest.fixture(autouse=True)
def read_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "FRESH", 0.0)
    monkeypatch.setattr(standing, "_SHARE", 0)


async def accept(db: Database, *bodies: Any) -> Any:
    given: Any = {
        "database_url": "postgresql://x",
        "redis_url": "redis://x",
        "encryption_keys": Vault.new_key(),
    }
    vault = Vault([Vault.new_key()])
    entries = [an_entry(body) for body in bodies]
    return await accept_into(db, vault, Settings(_env_file=None, **given), entries)


async def execute(db: Database, sql: str, **values: Any) -> None:
    async with db.transaction(Boundary.TURN) as connection:
        await connection.execute(text(sql), values)


async def test_it_tells_how_the_orders_of_each_account_stand(door: Door, db: Database) -> None:
    ends = {"quoted_at": "2026-11-22T10:00:00Z", "expires_at": "2099-11-22T10:10:00Z"}
    money = {"max_total": "19.90", "currency": "TRY"}
    quote = {**ends, **money}
    await accept(
        db,
        an_intent("d-1", intent_id="i-1", quote=quote),
        an_intent("d-2", intent_id="i-2", quote=quote),
        an_intent("d-3", intent_id="i-3", account="made-up-by-a-producer"),
        b"not JSON",
    )
    await execute(
        db,
        "UPDATE orders SET due_at = orderline_now() - interval '90 s',"
        " expires_at = orderline_now() + interval '30 s' WHERE intent_id = 'i-1'",
    )
    samples = await scraped(door)
    ours = {"provider": "hyperteknoloji", "account": "default"}
    assert value(samples, "orders", **ours, state="accepted") == 2
    assert value(samples, "orders", **ours, state="placed") == 0
    assert value(samples, "orders_due", **ours) == 2
    assert 90 <= value(samples, "orders_overdue_seconds", **ours) < 100
    assert value(samples, "quotes_ending", **ours) == 1
    assert value(samples, "money_open", **ours, currency="TRY") == 39.8
    assert value(samples, "account_state", **ours, state="closed") == 1
    assert value(samples, "quarantine_entries", code="not_json") == 1
    assert value(samples, "orders_due", provider="gifthub", account="default") == 0
    strange = {"provider": "hyperteknoloji", "account": NOT_CONFIGURED}
    assert value(samples, "orders", **strange, state="accepted") == 1
    assert "made-up-by-a-producer" not in str(samples)


async def test_it_tells_why_orders_are_parked_and_for_how_long(door: Door, db: Database) -> None:
    await accept(db, an_intent("d-1", intent_id="i-1"), an_intent("d-2", intent_id="i-2"))
    for intent, reason in {
        "i-1": "its provider's books say of 9: two; ours say: one",
        "i-2": "what nobody writes any more",
    }.items():
        await execute(
            db,
            "UPDATE orders SET state = 'parked', step = NULL, due_at = NULL,"
            " parked_reason = :reason, updated_at = orderline_now() - interval '1 h'"
            " WHERE intent_id = :intent",
            reason=reason,
            intent=intent,
        )
    samples = await scraped(door)
    ours = {"provider": "hyperteknoloji", "account": "default"}
    assert value(samples, "orders_parked", **ours, reason="books_disagree") == 1
    assert value(samples, "orders_parked", **ours, reason="other") == 1
    assert value(samples, "orders", **ours, state="parked") == 2
    assert 3600 <= value(samples, "orders_parked_seconds", **ours) < 3700


async def test_it_tells_what_ended_and_what_was_bought_since_it_began_to_look(
    door: Door, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views_metrics, "SETTLED_AFTER", timedelta())
    await accept(db, an_intent("d-1", intent_id="i-1"), an_intent("d-2", intent_id="i-2"))
    await scraped(door)  # from here on
    await execute(
        db,
        "UPDATE orders SET state = 'fulfilled', step = NULL, due_at = NULL, total = 19.9,"
        " total_currency = 'TRY', finished_at = orderline_now() WHERE intent_id = 'i-1'",
    )
    await execute(
        db,
        "INSERT INTO attempts (id, order_id, number, step, reference, fence, outcome, closed_at)"
        " SELECT gen_random_uuid(), id, 1, 'place', 'r', 1, 'confirmed', orderline_now()"
        " FROM orders WHERE intent_id = 'i-1'",
    )
    ours = {"provider": "hyperteknoloji", "account": "default"}
    samples = await scraped(door)
    assert value(samples, "orders_ended_total", **ours, state="fulfilled") == 1
    assert value(samples, "orders_ended_total", **ours, state="refused") == 0
    # A new series begins at 0, or Prometheus would not see its first increase.
    assert value(samples, "money_bought_total", **ours, currency="TRY") == 0
    samples = await scraped(door)
    assert value(samples, "orders_bought_total", **ours, currency="TRY") == 1
    assert value(samples, "money_bought_total", **ours, currency="TRY") == 19.9
    assert value(samples, "orders_ended_total", **ours, state="fulfilled") == 1


async def test_it_tells_what_waits_in_redis(door: Door) -> None:
    await put(door.redis, "shop", b"{}")
    samples = await scraped(door)
    assert value(samples, "stream_entries", stream="intents") == 1
    assert value(samples, "stream_entries", stream="callbacks") == 0
    assert value(samples, "stream_oldest_seconds", stream="intents") < 5
    assert value(samples, "redis_memory_bytes") > 0
    assert value(samples, "server_up", server="database") == 1
    assert value(samples, "server_up", server="redis") == 1


async def test_it_tells_of_its_own_requests_by_route_and_never_by_path(door: Door) -> None:
    await door.ask("GET", "/v1/orders/01a204c6-943c-7473-b3d8-5a84f8161a7b")
    await door.http.get("/a/path/of/somebody")
    samples = await scraped(door)
    by_route = {"route": "/v1/orders/{order_id}", "method": "GET", "status": "404"}
    assert value(samples, "gateway_requests_total", **by_route) == 1
    assert "somebody" not in str(samples)


async def test_every_metric_that_is_declared_is_told_and_no_other(door: Door) -> None:
    answer = await door.http.get("/metrics")
    found = {
        line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE orderline_")
    }
    assert found == {family.exposed for family in (*STANDING, *GATEWAY)}
    names = {
        name
        for family in text_string_to_metric_families(answer.text)
        if family.name.startswith("orderline_")
        for sample in family.samples
        for name in sample.labels
    }
    assert names - {"le"} <= LABELS


async def test_of_a_database_that_is_away_only_that_is_told(a_gateway: Opener) -> None:
    async with a_gateway(database_url=NOWHERE_DATABASE) as door:
        samples = await scraped(door)
    assert value(samples, "server_up", server="database") == 0
    assert value(samples, "server_up", server="redis") == 1
    assert not [name for name, _ in samples if name == "orderline_orders"]


async def test_of_a_redis_that_is_away_only_that_is_told(a_gateway: Opener) -> None:
    async with a_gateway(redis_url=NOWHERE) as door:
        samples = await scraped(door)
    assert value(samples, "server_up", server="database") == 1
    assert value(samples, "server_up", server="redis") == 0


async def test_what_takes_too_long_is_left_out_and_the_rest_is_told(
    door: Door, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accept(db, an_intent("d-1", intent_id="i-1"))
    slow = {**views_metrics.STATEMENTS, "ending": text("SELECT pg_sleep(20)")}
    monkeypatch.setattr(views_metrics, "STATEMENTS", slow)
    samples = await scraped(door)
    ours = {"provider": "hyperteknoloji", "account": "default"}
    assert value(samples, "orders_due", **ours) == 1
    assert value(samples, "surplus_orders", **ours) == 0
    assert not [name for name, _ in samples if name == "orderline_quotes_ending"]
    assert value(samples, "server_up", server="database") == 0


async def test_what_was_read_is_good_for_some_seconds(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "FRESH", 60.0)
    before, asked = await scraped(door), 0
    real = views_metrics.standing

    async def counted(db: Database) -> Any:
        nonlocal asked
        asked += 1
        return await real(db)

    monkeypatch.setattr(views_metrics, "standing", counted)
    after = await asyncio.gather(*(scraped(door) for _ in range(3)))
    assert asked == 0
    read = "standing_age_seconds"
    assert value(after[0], read, server="redis") > value(before, read, server="redis")


async def test_with_a_token_only_who_shows_it_is_answered(a_gateway: Opener) -> None:
    async with a_gateway(metrics_token=TOKEN) as door:
        for shown in ({}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}):
            answer = await door.http.get("/metrics", headers=shown)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
        await scraped(door, authorization=f"Bearer {TOKEN}")


async def test_the_token_is_answered_before_any_api_key_is_known(a_gateway: Opener) -> None:
    async with a_gateway(metrics_token=TOKEN, database_url=NOWHERE_DATABASE) as door:
        samples = await scraped(door, authorization=f"bearer {TOKEN}")
    assert value(samples, "server_up", server="database") == 0


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "via", "x-real-ip"])
async def test_without_a_token_nothing_is_told_through_a_proxy(door: Door, header: str) -> None:
    answer = await door.http.get("/metrics", headers={header: "127.0.0.1"})
    assert answer.status_code == 404
    assert "orderline" not in answer.text


@pytest.mark.parametrize(
    "behind",
    [{"gateway_proxies": "127.0.0.1"}, {"public_url": "https://orders.example"}],
    ids=["proxies", "public"],
)
async def test_nor_where_the_settings_say_that_there_is_one(
    a_gateway: Opener, behind: dict[str, str]
) -> None:
    async with a_gateway(**behind) as door:
        assert (await door.http.get("/metrics")).status_code == 404
    async with a_gateway(metrics_token=TOKEN, **behind) as door:
        await scraped(door, authorization=f"Bearer {TOKEN}")


async def test_an_api_key_is_no_token(a_gateway: Opener, api_key: str) -> None:
    async with a_gateway(api_key, metrics_token=TOKEN) as door:
        await until_known(door)
        assert (await door.ask("GET", "/metrics")).status_code == 401


def test_what_comes_from_outside_cannot_make_series_without_end() -> None:
    named = Named([("gifthub", "default")])
    assert named.account("gifthub", "other") == ("gifthub", NOT_CONFIGURED)
    assert named.account("nobody", "other") == ("unknown", NOT_CONFIGURED)
    told = {named.currency(f"A{chr(65 + n // 26)}{chr(65 + n % 26)}") for n in range(400)}
    assert len(told) == 41
    assert named.currency("a name") == "other"
    assert Totals(named).samples().values
