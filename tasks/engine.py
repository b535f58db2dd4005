"""The engine's thread: one asyncio loop per worker process, started and stopped with it.

A *Worker* bootstep, because Consumer steps restart with every lost broker connection, and
because ``worker_process_init`` never fires with the threads pool. It starts after the pool and
stops before it, so that at shutdown every waiting task is answered and the pool can join.
"""

import asyncio
import gc
import threading
from collections.abc import Callable, Container, Coroutine
from concurrent.futures import FIRST_COMPLETED, Future, InvalidStateError, wait
from contextlib import suppress
from typing import Any, Final, TypeVar

from celery import bootsteps
from redis.asyncio import Redis

from tasks.publisher import Publisher
from tasks.queues import NOTIFICATIONS, QUEUES, orders_of
from tasks.schedule import EVERY
from tasks.start import refuse, settings_or_exit
from worker.engine import Engine, running_engine
from worker.logs import get_logger
from worker.metrics.serving import metrics_served
from worker.providers import REGISTRY
from worker.runtime import permits_in_all
from worker.settings import Settings
from worker.store.session import OnBoundary

run_loop: Callable[[Coroutine[Any, Any, None]], None] = asyncio.run
with suppress(ImportError):  # there is none for every platform; asyncio's own is only slower
    import uvloop

    run_loop = uvloop.run

log = get_logger(__name__)

Answer = TypeVar("Answer")

_SPARE = 10.0
"""Seconds beyond the grace after which a stop no longer waits for the loop."""


_SPARE_THREADS = 32

_THRESHOLDS = (10_000, 20, 20)

ALL: Final = frozenset(queue.name for queue in QUEUES)


def threads_for(settings: Settings) -> int:
    """How many threads the pool needs: a bell waits in one for orders that hold permits.

    More than there are permits in all, so that no bell ever waits for a thread. They are only
    started when they are needed.
    """
    return permits_in_all(settings) + _SPARE_THREADS


def spare_collector() -> None:
    """Have cyclic garbage looked for less often, and not among what is here for good.

    Orders under way are many small objects that die by their count. With Python's own thresholds
    looking through them for cycles costs about a fifth of all CPU; with these, hardly anything.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)


class EngineThread:
    """Runs an engine, its bells and its Redis client on a loop in a thread of its own."""

    def __init__(
        self,
        settings: Settings,
        app: Any,
        on_boundary: OnBoundary | None = None,
        queues: Container[str] = ALL,
    ) -> None:
        self.settings = settings
        self.publisher = Publisher(app)
        self._on_boundary = on_boundary
        self._queues = queues
        self.engine: Engine
        self.redis: Redis
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._ended: Future[Any] = Future()
        self._thread = threading.Thread(target=self._main, name="engine", daemon=True)

    def start(self) -> None:
        """Start the loop. Returns when it runs; it connects to nothing before it is used."""
        self._thread.start()
        self._ready.wait()
        if self._failed is not None:
            raise self._failed

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Run a coroutine on the loop, from another thread, and wait for it.

        Raises ``TimeoutError`` when the loop ends before the work does: it will never answer.
        """
        answer = self.submit(work)
        wait({answer, self._ended}, return_when=FIRST_COMPLETED)
        return answer.result(timeout=0)

    def submit(self, work: Coroutine[Any, Any, Answer]) -> "Future[Answer]":
        """Run a coroutine on the loop, from another thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def stop(self) -> None:
        """Stop the engine within its grace, then the loop."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(self.settings.grace.total_seconds() + _SPARE)
        self._end()

    def _main(self) -> None:
        try:
            run_loop(self._serve())
        except BaseException as error:  # noqa: BLE001 -- it is raised again in the starting thread
            self._failed = error
            self._ready.set()
        finally:
            self._end()

    def _end(self) -> None:
        """Let nobody wait any longer. By the loop's end, or by whoever stopped waiting for it."""
        with suppress(InvalidStateError):
            self._ended.set_result(None)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        url = self.settings.redis_url.get_secret_value()
        self.redis = Redis.from_url(url, socket_timeout=10, socket_connect_timeout=5)
        running = running_engine(
            self.settings,
            on_boundary=self._on_boundary,
            providers={name for name in REGISTRY if orders_of(name) in self._queues},
            mail=NOTIFICATIONS in self._queues,
        )
        async with self.redis, running as engine, self.publisher:
            self.engine = engine
            engine.expect(EVERY)
            spare_collector()
            with metrics_served(self.settings, engine.rt.meters):
                self._ready.set()
                log.info("engine_started", worker=engine.rt.worker, count=len(engine.rt.desks))
                await self._stop.wait()
        log.info("engine_stopped")


class EngineStep(bootsteps.StartStopStep):
    """Starts the engine with the worker and stops it within its grace."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        if "thread" not in parent.pool_cls.__module__:
            refuse("The worker runs with the threads pool only: leave out -P/--pool.")
        if options.get("beat"):
            refuse("Run beat as a process of its own (celery -A tasks.app beat): leave out -B.")
        settings = settings_or_exit()
        if parent.concurrency < threads_for(settings):
            refuse(f"The worker needs {threads_for(settings)} threads or more: leave out -c.")
        # An app may watch the engine's commits; that is how crash tests die at each of them.
        on_boundary = getattr(parent.app, "on_boundary", None)
        queues = frozenset(parent.app.amqp.queues.consume_from)  # what ``-Q`` left
        parent.app.engine_thread = EngineThread(settings, parent.app, on_boundary, queues)

    def start(self, parent: Any) -> None:
        """Start the loop's thread."""
        parent.app.engine_thread.start()

    def stop(self, parent: Any) -> None:
        """Answer every waiting task and end the loop."""
        parent.app.engine_thread.stop()

    terminate = stop
