"""Rings bells: the only place that sends a Celery message.

A bell calls the other workers (the one that made something due looks by itself) and shows in
Flower what there is to do. So it waits a moment for others like it: a message costs a worker more
than an order does. A chunk grows with the backlog, and light load rings one order at a time. A bell
that cannot be sent is dropped; the sweep rings again.
"""

import asyncio
from collections.abc import Iterable, Iterator
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
"""Seconds between two rounds of messages for one queue at least: who serves it and was called a
moment ago is awake."""

_Words = tuple[str, ...]
_Message = tuple[str, list[Any], dict[str, Any]]


class _Queue:
    """What waits to be rung on one queue: ids, by task, first arguments, and who rings."""

    def __init__(self) -> None:
        self.sender: asyncio.Task[None] | None = None
        self._waiting: dict[tuple[str, _Words, bool], list[UUID]] = {}
        self._rang_at = float("-inf")

    def add(self, task: str, words: _Words, ids: Iterable[UUID], *, swept: bool) -> None:
        self._waiting.setdefault((task, words, swept), []).extend(ids)

    async def round(self) -> list[_Message]:
        """What has gathered when it is time for it; nothing where nothing waits."""
        if not self._waiting:
            return []
        now = asyncio.get_running_loop().time
        await asyncio.sleep(max(_GATHER, self._rang_at + _APART - now()))
        self._rang_at = now()
        waiting, self._waiting = self._waiting, {}
        return [each for key, ids in waiting.items() for each in _messages(*key, ids)]


class Publisher:
    """Sends bells from the engine's loop, by a thread of its own: kombu blocks."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bells")
        self._queues: dict[str | None, _Queue] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        senders = {each.sender for each in self._queues.values() if each.sender is not None}
        if senders:
            await asyncio.wait(senders, timeout=1)
        for sender in senders:
            sender.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def ring(self, bell: Bell) -> None:
        """Send a bell soon. Never waits and never fails."""
        name = orders_of(bell.provider) if isinstance(bell, OrderBell) else None
        queue = self._queues.setdefault(name, _Queue())
        match bell:
            case OrderBell():
                words = (bell.provider, bell.account)
                queue.add(bell.task, words, bell.order_ids, swept=bell.swept)
            case NotificationBell():
                queue.add(jobs.NOTIFICATION_DELIVER, (), bell.event_ids, swept=False)
        if queue.sender is None:
            sending = self._send_all(name, queue)
            queue.sender = asyncio.create_task(sending, name=f"bells:{name or 'default'}")

    async def _send_all(self, name: str | None, queue: _Queue) -> None:
        loop = asyncio.get_running_loop()
        try:
            while messages := await queue.round():
                for message in messages:
                    try:
                        await loop.run_in_executor(self._thread, self._send, name, *message)
                    except Exception as error:  # noqa: BLE001 -- whatever it is, the sweep rings again
                        log.warning("bell_not_rung", task=message[0], error=type(error).__name__)
        finally:
            queue.sender = None

    def _send(self, queue: str | None, task: str, args: list[Any], options: dict[str, Any]) -> None:
        self._app.send_task(task, args=args, kwargs=options, queue=queue, ignore_result=True)


def _messages(task: str, words: _Words, swept: bool, ids: list[UUID]) -> Iterator[_Message]:  # noqa: FBT001 -- part of a key
    """As few as hold all of the ids; one where there are none, which says: look."""
    for at in range(0, max(len(ids), 1), CHUNK):
        told = [str(each) for each in ids[at : at + CHUNK]]
        yield task, [*words, told], {"swept": True} if swept else {}
