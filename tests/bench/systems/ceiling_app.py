"""The one process of the ceiling: ``python -m tests.bench.systems.ceiling_app``."""

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID, uuid4

import aiohttp
import psycopg

from tests.bench import job

run: Callable[..., Any] = asyncio.run
with suppress(ImportError):
    import uvloop

    run = uvloop.run

_AT_ONCE: Final = 500
_LOOK_EVERY: Final = 0.002
_CAP: Final = 500

_RECORD: Final = """
WITH input AS (SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS _(
    id uuid, intent jsonb, lines jsonb)),
fresh AS (
    INSERT INTO orders (id, intent_id, intent, state)
    SELECT id, intent->>'intent_id', intent, 'accepted' FROM input
    ON CONFLICT (intent_id) DO NOTHING RETURNING id)
INSERT INTO lines (id, order_id, index, deliver_id)
SELECT l.id, input.id, l.index, l.deliver_id FROM input JOIN fresh USING (id),
    jsonb_to_recordset(input.lines) AS l(id uuid, index int, deliver_id text)
"""
_ATTEMPT: Final = """
WITH input AS (SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS _(
    id uuid, order_id uuid, reference text)),
moved AS (UPDATE orders o SET state = 'placing', updated_at = now() FROM input i
    WHERE o.id = i.order_id)
INSERT INTO attempts (id, order_id, number, reference) SELECT id, order_id, 1, reference FROM input
"""
_SETTLE: Final = """
WITH input AS (SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS _(
    order_id uuid, attempt_id uuid, ref text, events jsonb)),
closed AS (UPDATE attempts a SET outcome = 'confirmed', closed_at = now() FROM input i
    WHERE a.id = i.attempt_id),
moved AS (UPDATE orders o SET state = 'placed', provider_ref = i.ref, updated_at = now()
    FROM input i WHERE o.id = i.order_id),
told AS (UPDATE lines l SET state = 'delivered' FROM input i WHERE l.order_id = i.order_id)
INSERT INTO events (id, order_id, line_id, sequence, type, data)
SELECT e.id, i.order_id, e.line_id, 1, 'line.delivered', e.data
FROM input i, jsonb_to_recordset(i.events) AS e(id uuid, line_id uuid, data jsonb)
"""
_DELIVER: Final = """
INSERT INTO deliveries (id, line_id, code)
SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS _(id uuid, line_id uuid, code int)
"""


class Batch:
    """Writes rows by one statement: those that came while it was at it, in one commit."""

    def __init__(self, connection: "psycopg.AsyncConnection[Any]", statement: str) -> None:
        self._connection = connection
        self._statement = statement.encode()
        self._waiting: list[tuple[dict[str, Any], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, row: dict[str, Any]) -> None:
        """Return when it is committed."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await done

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_CAP], self._waiting[_CAP:]
            rows = json.dumps([row for row, _ in batch])
            await self._connection.execute(self._statement, {"rows": rows})
            for _, done in batch:
                done.set_result(None)
        self._writing = None


class Worker:
    """Does orders."""

    def __init__(self, batches: Sequence[Batch], http: aiohttp.ClientSession) -> None:
        self._record, self._attempt, self._settle, self._deliver = batches
        self._http = http
        self.slots = asyncio.Semaphore(_AT_ONCE)

    async def place(self, intent: dict[str, Any]) -> None:
        """Do one order from its intent to its last webhook, in a slot that is held."""
        try:
            order_id, attempt_id = uuid4(), uuid4()
            lines = [(uuid4(), uuid4()) for _ in intent["lines"]]
            await self._record.write(_order_row(order_id, intent, lines))
            row = {"id": str(attempt_id), "order_id": str(order_id), "reference": attempt_id.hex}
            await self._attempt.write(row)
            sent = job.provider_body(intent, order_id.hex)
            url = os.environ["BENCH_PROVIDER_URL"]
            ref = json.loads(await self._post(url, sent, job.provider_headers()))["id"]
            bodies = [
                job.webhook_body(intent, index, order_id.hex, ref) for index in range(len(lines))
            ]
            events = [
                {"id": str(event), "line_id": str(line), "data": json.loads(body)["data"]}
                for (line, event), body in zip(lines, bodies, strict=True)
            ]
            await self._settle.write(
                {"order_id": str(order_id), "attempt_id": str(attempt_id)}
                | {"ref": ref, "events": events}
            )
            told = (self._tell(*ids, body) for ids, body in zip(lines, bodies, strict=True))
            await asyncio.gather(*told)
        finally:
            self.slots.release()

    async def _tell(self, line_id: UUID, event_id: UUID, body: bytes) -> None:
        headers = job.signed(f"evt_{event_id.hex}", body)
        await self._post(os.environ["BENCH_HOOK_URL"], body, headers)
        await self._deliver.write({"id": str(event_id), "line_id": str(line_id), "code": 200})

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> bytes:
        async with self._http.post(url, data=body, headers=headers) as response:
            response.raise_for_status()
            return await response.read()


def _order_row(
    order_id: UUID, intent: dict[str, Any], lines: Sequence[tuple[UUID, UUID]]
) -> dict[str, Any]:
    rows = [
        {"id": str(line_id), "index": index, "deliver_id": intent["lines"][index]["deliver_id"]}
        for index, (line_id, _) in enumerate(lines)
    ]
    return {"id": str(order_id), "intent": intent, "lines": rows}


async def main(intents: BinaryIO) -> None:
    """Work until stopped."""
    batches = []
    for statement in (_RECORD, _ATTEMPT, _SETTLE, _DELIVER):
        connection = await psycopg.AsyncConnection.connect(
            os.environ["BENCH_DATABASE_URL"], autocommit=True, prepare_threshold=1
        )
        batches.append(Batch(connection, statement))
    http = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=30)
    )
    worker = Worker(batches, http)
    print("ready", flush=True)  # noqa: T201 -- our starter waits for it
    under_way = set()
    while True:
        await worker.slots.acquire()
        while not (line := next_line(intents)):
            await asyncio.sleep(_LOOK_EVERY)
        task = asyncio.create_task(worker.place(json.loads(line)))
        under_way.add(task)
        task.add_done_callback(under_way.discard)


def next_line(intents: BinaryIO) -> bytes:
    """The next intent, or nothing as long as there is none, whole."""
    place, line = intents.tell(), intents.readline()
    if line.endswith(b"\n"):
        return line
    intents.seek(place)
    return b""


if __name__ == "__main__":
    with Path(os.environ["BENCH_INTENTS"]).open("rb") as opened:
        run(main(opened))
