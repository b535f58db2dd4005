"""Flower, as ``orderline up`` starts it: what it shows, and that it changes nothing."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
from celery import Celery

from schemas.ids import new_uuid
from schemas.jobs import EXPIRE, ORDER_PLACE, SWEEP
from tasks.broker import broker_settings
from tests.crash.promises import check_promises
from tests.crash.works import Works
from tests.stories.conftest import adobe, gifthub, hyper
from worker.embedded.port import free_port
from worker.providers import REGISTRY

pytestmark = pytest.mark.slow

LOGIN: Final = "orderline:a-password-of-this-test"
PAGES: Final = ("/", "/workers", "/tasks", "/broker", "/api/workers", "/api/tasks", "/task/x")
ACTIONS: Final = (
    "/api/worker/shutdown/worker@{host}",
    "/api/worker/pool/grow/worker@{host}",
    "/api/worker/pool/restart/worker@{host}",
    "/api/worker/queue/cancel-consumer/worker@{host}?queue=upkeep",
    "/api/task/send-task/upkeep.sweep",
    "/api/task/async-apply/upkeep.sweep",
    "/api/task/apply/upkeep.sweep",
    "/api/task/revoke/{task}?terminate=true",
    "/api/task/rate-limit/order.place?workername=worker@{host}&ratelimit=0",
)


@pytest.fixture
async def flower(works: Works) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that is logged in at a running Flower."""
    system = replace(works.system, flower_port=free_port(), flower_login=LOGIN)
    name, _, password = LOGIN.partition(":")
    url = f"http://127.0.0.1:{system.flower_port}"
    with system.flower():
        async with httpx.AsyncClient(
            base_url=url, auth=httpx.BasicAuth(name, password), timeout=20
        ) as http:

            async def serves() -> bool:
                try:
                    return (await http.get("/healthcheck")).status_code == 200
                except httpx.TransportError:
                    return False

            await works.until(serves, "Flower serves")
            yield http


def app_of(works: Works) -> Celery:
    """Celery, with what Flower knows."""
    return Celery(
        set_as_current=False,
        config_source=broker_settings(works.system.servers.redis_url, "a-test"),
    )


async def shown(flower: httpx.AsyncClient, path: str) -> Any:
    answer = await flower.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_it_shows_every_bell_by_name_and_outcome_and_nothing_personal(
    works: Works, flower: httpx.AsyncClient
) -> None:
    await works.start_worker("worker")
    await works.start_beat()
    await works.until_ready("worker")
    orders = [hyper("h1"), gifthub("g1"), adobe("a1"), hyper("refused", 2)]
    await works.submit(*orders)
    await works.until_at_rest()

    async def seen() -> bool:
        tasks = await shown(flower, "/api/tasks?limit=1000")
        done = {each["name"] for each in tasks.values() if each["state"] == "SUCCESS"}
        return {ORDER_PLACE, SWEEP, EXPIRE} <= done

    await works.until(seen, "Flower saw the bells")
    tasks = await shown(flower, "/api/tasks?limit=1000")
    assert {each["state"] for each in tasks.values()} <= {"SUCCESS", "RECEIVED", "STARTED", "SENT"}
    placed = [each for each in tasks.values() if each["name"] == ORDER_PLACE]
    ids = {str(row.id) for row in await works.all("SELECT id FROM orders")}
    assert any(order_id in each["args"] for each in placed for order_id in ids)
    results = " ".join(str(each["result"]) for each in placed)
    assert "placed" in results or "fulfilled" in results

    [(name, online)] = (await shown(flower, "/api/workers?status=true")).items()
    assert (name.partition("@")[0], online) == ("worker", True)
    details = await shown(flower, "/api/workers?refresh=true")
    listened = {queue["name"] for queue in details[name]["active_queues"]}
    assert {f"orders.{provider}" for provider in REGISTRY} <= listened
    lengths = (await shown(flower, "/api/queues/length"))["active_queues"]
    assert {each["name"] for each in lengths} == listened

    told = json.dumps([tasks, details])
    for path in (*PAGES[:4], f"/worker/{name}", f"/task/{next(iter(tasks))}", "/metrics"):
        told += (await flower.get(path)).text
    personal = {line["deliver_id"] for order in orders for line in order["lines"]}
    for secret in (
        works.system.encryption_key,
        urlsplit(works.system.servers.redis_url).password,
        *works.secrets,
        *works.receiver.received.codes(),
        *personal,
        "shop.example",
    ):
        assert secret is None or secret not in told
    await check_promises(works)


async def test_it_refuses_to_act_and_a_worker_would_not_obey(
    works: Works, flower: httpx.AsyncClient
) -> None:
    child = await works.start_worker("worker")
    await works.until_ready("worker")
    await works.until(lambda: shown(flower, "/api/workers?refresh=true"), "Flower knows the worker")
    [name] = await shown(flower, "/api/workers")
    host = name.partition("@")[2]
    for action in ACTIONS:
        answer = await flower.post(action.format(host=host, task=new_uuid()))
        assert answer.status_code in {403, 405}, (action, answer.status_code, answer.text)
    said = app_of(works)
    for command in ("shutdown", "cancel_consumer", "pool_shrink", "rate_limit", "revoke"):
        [answers] = said.control.broadcast(command, reply=True, timeout=10, limit=1)
        assert "KeyError" in answers[name]["error"], command
    assert said.control.ping(timeout=10, limit=1) == [{name: {"ok": "pong"}}]
    assert child.running
    assert not works.sandbox.live_orders("gifthub")


async def test_nobody_looks_without_its_password(works: Works, flower: httpx.AsyncClient) -> None:
    del works
    async with httpx.AsyncClient(base_url=flower.base_url) as stranger:
        for path in PAGES:
            assert (await stranger.get(path)).status_code == 401, path
            wrong = await stranger.get(path, auth=("orderline", "wrong"))
            assert wrong.status_code == 401, path
        for path in ACTIONS:
            assert (await stranger.post(path)).status_code in {401, 403}, path
