"""The app of DBOS Transact: ``python -m tests.bench.systems.dbos_transact_app``."""

import asyncio
import json
import os
from typing import Any, Final
from uuid import UUID

import aiohttp
import urllib3
from dbos import DBOS, DBOSConfig
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from tests.bench import job
from tests.bench.systems import statements
from tests.bench.systems.dbos_transact import QUEUE, VERSION, WORKFLOW

_CONNECTIONS: Final = 16
_AT_ONCE: Final = int(os.environ.get("BENCH_AT_ONCE", "100"))
_POLL: Final = float(os.environ.get("BENCH_POLL", "0.05"))
_ASYNC: Final = os.environ["BENCH_STYLE"] == "async"

_DATABASE: Final[dict[str, Any]] = {
    "conninfo": os.environ["BENCH_DATABASE_URL"],
    "min_size": _CONNECTIONS,
    "max_size": _CONNECTIONS,
    "timeout": 120,
    "kwargs": {"autocommit": True},
    "open": False,
}


class _Process:
    """What a process has one of."""

    pool: Any
    http: Any


config: DBOSConfig = {
    "name": "bench",
    "system_database_url": os.environ["BENCH_DATABASE_URL"].replace(
        "postgresql://", "postgresql+psycopg://"
    ),
    "sys_db_pool_size": 32,
    "application_version": VERSION,
    "executor_id": os.environ["BENCH_EXECUTOR"],
    "log_level": "WARNING",
    "max_executor_threads": _AT_ONCE + 16,
}
DBOS(config=config)

# --- async: everything on DBOS's own loop ----------------------------------------------------


async def _open() -> None:
    """Once there is a loop."""
    if not hasattr(_Process, "pool"):
        _Process.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        _Process.pool = pool = AsyncConnectionPool(**_DATABASE)
        await pool.open()


async def _aexecute(statement: str, values: dict[str, Any]) -> None:
    async with _Process.pool.connection() as connection:
        await connection.execute(statement.encode(), values)


async def _apost(url: str, body: bytes, headers: dict[str, str]) -> bytes:
    async with _Process.http.post(url, data=body, headers=headers) as response:
        response.raise_for_status()
        answer: bytes = await response.read()
        return answer


async def arecord(intent: dict[str, Any]) -> tuple[str, list[str]]:
    order_id, line_ids = statements.new_ids(intent)
    await _aexecute(statements.RECORD, statements.record_values(intent, order_id, line_ids))
    return order_id.hex, [each.hex for each in line_ids]


async def acall(intent: dict[str, Any], key: str) -> str:
    sent = job.provider_body(intent, key)
    answer = await _apost(os.environ["BENCH_PROVIDER_URL"], sent, job.provider_headers())
    ref: str = json.loads(answer)["id"]
    return ref


async def asettle(key: str, ref: str) -> None:
    await _aexecute(statements.SETTLE, {"id": UUID(key), "ref": ref})


async def atell(intent: dict[str, Any], index: int, key: str, ref: str, line: str) -> None:
    body = job.webhook_body(intent, index, key, ref)
    await _apost(os.environ["BENCH_HOOK_URL"], body, job.signed(f"evt_{line}", body))
    await _aexecute(statements.DELIVER, {"line_ids": [UUID(line)]})


async def aplace(intent: dict[str, Any]) -> None:
    await _open()
    key, lines = await DBOS.run_step_async({"name": "record"}, arecord, intent)
    ref = await DBOS.run_step_async({"name": "call"}, acall, intent, key)
    await DBOS.run_step_async({"name": "settle"}, asettle, key, ref)
    for index, line in enumerate(lines):
        await DBOS.run_step_async({"name": "tell"}, atell, intent, index, key, ref, line)


# --- threads ---------------------------------------------------------------------------------


def _execute(statement: str, values: dict[str, Any]) -> None:
    with _Process.pool.connection() as connection:
        connection.execute(statement.encode(), values)


def _post(url: str, body: bytes, headers: dict[str, str]) -> bytes:
    response = _Process.http.request("POST", url, body=body, headers=headers)
    if response.status != 200:
        raise RuntimeError(f"HTTP {response.status}")
    data: bytes = response.data
    return data


def record(intent: dict[str, Any]) -> tuple[str, list[str]]:
    order_id, line_ids = statements.new_ids(intent)
    _execute(statements.RECORD, statements.record_values(intent, order_id, line_ids))
    return order_id.hex, [each.hex for each in line_ids]


def call(intent: dict[str, Any], key: str) -> str:
    sent = job.provider_body(intent, key)
    answer = _post(os.environ["BENCH_PROVIDER_URL"], sent, job.provider_headers())
    ref: str = json.loads(answer)["id"]
    return ref


def settle(key: str, ref: str) -> None:
    _execute(statements.SETTLE, {"id": UUID(key), "ref": ref})


def tell(intent: dict[str, Any], index: int, key: str, ref: str, line: str) -> None:
    body = job.webhook_body(intent, index, key, ref)
    _post(os.environ["BENCH_HOOK_URL"], body, job.signed(f"evt_{line}", body))
    _execute(statements.DELIVER, {"line_ids": [UUID(line)]})


def place(intent: dict[str, Any]) -> None:
    key, lines = DBOS.run_step({"name": "record"}, record, intent)
    ref = DBOS.run_step({"name": "call"}, call, intent, key)
    DBOS.run_step({"name": "settle"}, settle, key, ref)
    for index, line in enumerate(lines):
        DBOS.run_step({"name": "tell"}, tell, intent, index, key, ref, line)


def main() -> None:
    """Work until stopped."""
    if not _ASYNC:
        _Process.pool = pool = ConnectionPool(**_DATABASE)
        pool.open(wait=True)
        _Process.http = urllib3.PoolManager(maxsize=_AT_ONCE, retries=False, timeout=30)
    DBOS.workflow(name=WORKFLOW)(aplace if _ASYNC else place)
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=_AT_ONCE, polling_interval_sec=_POLL)
    print("ready", flush=True)  # noqa: T201 -- our starter waits for it
    asyncio.run(_for_ever())


async def _for_ever() -> None:
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
