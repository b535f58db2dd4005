"""The process as it is started: what it logs, how it ends, and what it wants to know first."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from schemas.ids import OrderId, new_uuid
from tests.gateway.conftest import ACCOUNTS, APIKEY, CARD, until
from worker.crypto import Vault
from worker.embedded import Servers
from worker.embedded.system import System
from worker.order_tokens import CallbackUrls, OrderTokens


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port: int = bound.getsockname()[1]
    return port


async def test_it_serves_logs_no_secret_and_ends_when_it_is_told_to(
    servers: Servers, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    key, port = Vault.new_key(), a_free_port()
    system = System(
        home=tmp_path,
        servers=servers,
        encryption_key=key,
        accounts=ACCOUNTS,
        gateway_port=port,
        overrides={
            "ORDERLINE_DATABASE_URL": database_url,
            "ORDERLINE_REDIS_URL": redis_url,
            "ORDERLINE_LOG_FORMAT": "json",
            "ORDERLINE_LOG_LEVEL": "debug",
            "ORDERLINE_GRACE": "5",
        },
    )
    url = f"http://127.0.0.1:{port}"
    order_id = OrderId(new_uuid())
    path = CallbackUrls("", OrderTokens([key]), "hyperteknoloji", "default").url_of(order_id)
    with system.gateway() as gateway:
        async with httpx.AsyncClient(base_url=url) as http:

            async def serves() -> bool:
                try:
                    return (await http.get("/healthz")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(serves)
            for apikey in (APIKEY, "wrong-0815"):
                await http.post(path, content=CARD, headers={"apikey": apikey})
            await http.get("/v1/orders?intent_id=query-0815", headers={"authorization": "x-0815"})
        gateway.let_go()
        assert gateway.wait(10) == 0
    log = (tmp_path / "gateway.log").read_text()
    requests = [each for each in map(json.loads, log.splitlines()) if each["event"] == "request"]
    statuses = [each["status"] for each in requests if each["route"] != "/healthz"]
    assert statuses == [200, 400, 401]
    for hidden in ("0815", CARD, APIKEY, key, order_id.hex, path.rpartition(".")[2]):
        assert hidden not in log


def test_a_proof_that_no_header_can_hold_is_named_before_anything_is_served(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "worker.cli", "gateway", "--port", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={
            **os.environ,
            "ORDERLINE_DATABASE_URL": database_url,
            "ORDERLINE_REDIS_URL": redis_url,
            "ORDERLINE_ENCRYPTION_KEYS": Vault.new_key(),
            "ORDERLINE_ACCOUNTS__HYPERTEKNOLOJI__DEFAULT__CALLBACK_API_KEY": "with space-0815",
        },
    )
    variable = "ORDERLINE_ACCOUNTS__HYPERTEKNOLOJI__DEFAULT__CALLBACK_API_KEY"
    assert (ran.returncode, ran.stdout) == (2, "")
    assert variable in ran.stderr
    assert "0815" not in ran.stderr


@pytest.mark.slow
def test_a_port_that_is_taken_ends_it_with_a_word(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = subprocess.run(  # noqa: S603 -- our own interpreter and command
            [sys.executable, "-m", "worker.cli", "gateway", "--port", f"{taken.getsockname()[1]}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={
                **os.environ,
                "ORDERLINE_DATABASE_URL": database_url,
                "ORDERLINE_REDIS_URL": redis_url,
                "ORDERLINE_ENCRYPTION_KEYS": Vault.new_key(),
            },
        )
    assert ran.returncode != 0
    assert "in use" in ran.stderr
    assert "Traceback" not in ran.stderr
