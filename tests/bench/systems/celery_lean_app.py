"""The app of lean Celery: ``celery -A tests.bench.systems.celery_lean_app worker``, by gevent."""

import json
import os
from functools import cache
from typing import Any, Final

import urllib3
from celery import Celery
from psycopg_pool import ConnectionPool

from tests.bench import job
from tests.bench.systems import statements

_CONNECTIONS: Final = 16

app = Celery("bench", broker=os.environ["BENCH_REDIS_URL"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    # Green threads acknowledge all at once; kombu's own limit would lose some of that.
    broker_transport_options={"max_connections": 1000},
)


@cache
def _pool() -> ConnectionPool:
    return ConnectionPool(
        os.environ["BENCH_DATABASE_URL"],
        min_size=_CONNECTIONS,
        max_size=_CONNECTIONS,
        timeout=120,
        kwargs={"autocommit": True},
        open=True,
    )


@cache
def _http() -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=250, block=False, retries=False, timeout=30)


def _post(url: str, body: bytes, headers: dict[str, str]) -> bytes:
    response = _http().request("POST", url, body=body, headers=headers)
    if response.status != 200:
        raise RuntimeError(f"HTTP {response.status}")
    data: bytes = response.data
    return data


def _execute(statement: str, values: dict[str, Any]) -> None:
    with _pool().connection() as connection:
        connection.execute(statement.encode(), values)


@app.task(name="bench.place", bind=True, max_retries=5)
def place(self: Any, intent: dict[str, Any]) -> None:
    """Do one order from its intent to its last webhook."""
    order_id, line_ids = statements.new_ids(intent)
    _execute(statements.RECORD, statements.record_values(intent, order_id, line_ids))
    sent = job.provider_body(intent, order_id.hex)
    try:
        answer = _post(os.environ["BENCH_PROVIDER_URL"], sent, job.provider_headers())
    except urllib3.exceptions.HTTPError as error:
        raise self.retry(exc=error, countdown=1) from error
    ref = json.loads(answer)["id"]
    _execute(statements.SETTLE, {"id": order_id, "ref": ref})
    for index, line_id in enumerate(line_ids):
        body = job.webhook_body(intent, index, order_id.hex, ref)
        _post(os.environ["BENCH_HOOK_URL"], body, job.signed(f"evt_{line_id.hex}", body))
    _execute(statements.DELIVER, {"line_ids": line_ids})
