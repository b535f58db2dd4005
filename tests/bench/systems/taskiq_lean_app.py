"""The app of lean taskiq: ``taskiq worker tests.bench.systems.taskiq_lean_app:broker``."""

import asyncio
import json
import os
from typing import Any, Final
from uuid import UUID

import aiohttp
from psycopg_pool import AsyncConnectionPool
from taskiq import TaskiqEvents, TaskiqState
from taskiq_redis import RedisStreamBroker

from tests.bench import job
from tests.bench.systems import statements

_CONNECTIONS: Final = 16

broker = RedisStreamBroker(os.environ["BENCH_REDIS_URL"])


class _Process:
    """What a process has one of."""

    pool: AsyncConnectionPool
    session: aiohttp.ClientSession


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def open_all(_: TaskiqState) -> None:
    """Connect to what the tasks need."""
    _Process.pool = AsyncConnectionPool(
        os.environ["BENCH_DATABASE_URL"],
        min_size=_CONNECTIONS,
        max_size=_CONNECTIONS,
        timeout=120,
        kwargs={"autocommit": True},
        open=False,
    )
    await _Process.pool.open(wait=True)
    connector = aiohttp.TCPConnector(limit=0)
    _Process.session = aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=30)
    )


@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)
async def close_all(_: TaskiqState) -> None:
    """Let go of it."""
    await _Process.session.close()
    await _Process.pool.close()


async def _execute(statement: str, values: dict[str, Any]) -> None:
    async with _Process.pool.connection() as connection:
        await connection.execute(statement.encode(), values)


async def _post(url: str, body: bytes, headers: dict[str, str]) -> bytes:
    async with _Process.session.post(url, data=body, headers=headers) as response:
        response.raise_for_status()
        return await response.read()


@broker.task(task_name="bench:place")
async def place(intent: dict[str, Any]) -> None:
    """Do one order from its intent to its last webhook."""
    order_id, line_ids = statements.new_ids(intent)
    await _execute(statements.RECORD, statements.record_values(intent, order_id, line_ids))
    sent = job.provider_body(intent, order_id.hex)
    answer = await _post(os.environ["BENCH_PROVIDER_URL"], sent, job.provider_headers())
    ref = json.loads(answer)["id"]
    await _execute(statements.SETTLE, {"id": order_id, "ref": ref})
    told = (_tell(intent, index, order_id, ref, each) for index, each in enumerate(line_ids))
    await asyncio.gather(*told)
    await _execute(statements.DELIVER, {"line_ids": line_ids})


async def _tell(
    intent: dict[str, Any], index: int, order_id: UUID, ref: str, line_id: UUID
) -> None:
    body = job.webhook_body(intent, index, order_id.hex, ref)
    await _post(os.environ["BENCH_HOOK_URL"], body, job.signed(f"evt_{line_id.hex}", body))
