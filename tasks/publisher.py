"""Rings bells: the only place that sends a Celery message.

A bell calls the other workers (the one that made something due looks by itself) and shows in
Flower what there is to do. So it waits a moment for others like it: a message costs a worker more
than an order does. A chunk grows with the backlog, and light load rings one order at a time. A bell
that cannot be sent is dropped; the sweep rings again.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Self
from uuid import UUID

from schemas import jobs
from schemas.jobs import Bell, NotificationBell, OrderBell
from tasks.queues import orders_of
from worker.logs import get_logger

log = get_logger(__name__)

CHUNK: Final = 500
"""Ids in one message at most."""

_GATHER: Final = 0.05
"""Seconds in which the ids for a message gather after a silence."""

_APART: Final = 0.25
"""Seconds between two rounds of messages at least: whoever was called a moment ago is awake."""

_Key = tuple[str, str, str, bool]


class Publisher:
    """Sends bells from the engine's loop, by a thread of its own: kombu blocks."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bells")
        self._orders: dict[_Key, list[UUID]] = {}
        self._mail: list[UUID] | None = None
        self._sender: asyncio.Task[None] | None = None
        self._rang_at = float("-inf")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if (sender := self._sender) is not None:
            await asyncio.wait({sender}, timeout=1)
            sender.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def ring(self, bell: Bell) -> None:
        """Send a bell soon. Never waits and never fails."""
        match bell:
            case OrderBell():
                key = (bell.task, bell.provider, bell.account, bell.swept)
                self._orders.setdefault(key, []).extend(bell.order_ids)
            case NotificationBell():
                self._mail = [*(self._mail or ()), *bell.event_ids]
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_all(), name="bells")

    async def _send_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await asyncio.sleep(max(_GATHER, self._rang_at + _APART - loop.time()))
            self._rang_at = loop.time()
            while (message := self._next()) is not None:
                try:
                    await loop.run_in_executor(self._thread, self._send, *message)
                except Exception as error:  # noqa: BLE001 -- whatever it is, the sweep rings again
                    log.warning("bell_not_rung", task=message[0], error=type(error).__name__)
        finally:
            self._sender = None

    def _next(self) -> tuple[str, str | None, list[Any], dict[str, Any]] | None:
        if self._mail is not None:
            ids, rest = self._mail[:CHUNK], self._mail[CHUNK:]
            self._mail = rest or None
            return jobs.NOTIFICATION_DELIVER, None, [[str(each) for each in ids]], {}
        for key, waiting in self._orders.items():
            task, provider, account, swept = key
            ids, rest = waiting[:CHUNK], waiting[CHUNK:]
            if rest:
                self._orders[key] = rest
            else:
                del self._orders[key]
            args = [provider, account, [str(each) for each in ids]]
            return task, orders_of(provider), args, {"swept": True} if swept else {}
        return None

    def _send(self, task: str, queue: str | None, args: list[Any], options: dict[str, Any]) -> None:
        self._app.send_task(task, args=args, kwargs=options, queue=queue, ignore_result=True)
