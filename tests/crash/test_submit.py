"""The second-best door: a producer that only speaks Celery, on a real worker."""

import asyncio
import threading
from typing import Any

from celery import Celery

from schemas import jobs
from tasks.queues import SUBMIT
from tests.crash.promises import check_promises
from tests.crash.works import SHOP, Works
from tests.stories.conftest import hyper

PLAYER = "player-5512345678"


async def test_an_intent_sent_as_a_celery_task_is_taken_in_and_its_arguments_stay_hidden(
    works: Works,
) -> None:
    app = Celery(broker=works.system.servers.redis_url)
    app.conf.broker_transport_options = {"global_keyprefix": "orderline:celery:"}
    intent = works.asked["h"] = hyper("h", producer=SHOP)
    intent["lines"][0]["require_data"] = [{"product_require_id": 1, "value": PLAYER}]
    watcher = _Watcher(app)
    await works.start_worker("worker")
    await works.start_beat()
    watching = asyncio.create_task(asyncio.to_thread(watcher.run))
    try:
        await works.until(lambda: watcher.seen, "the worker's events arrive")
        await asyncio.to_thread(
            app.send_task, jobs.ORDER_SUBMIT, args=[intent], queue=SUBMIT, ignore_result=True
        )
        await works.until_at_rest()
        await check_promises(works)
        await works.until(lambda: "'placed 1'" in watcher.results(), "the bell's result is seen")
    finally:
        watcher.stop()
        await watching

    names = {event.get("name") for event in watcher.seen}
    assert {jobs.ORDER_SUBMIT, jobs.ORDER_PLACE} <= names
    assert PLAYER not in str(watcher.seen)


class _Watcher:
    """Collects events in a thread, as Flower would."""

    def __init__(self, app: Celery) -> None:
        self.seen: list[dict[str, Any]] = []
        self._app = app
        self._stop = threading.Event()

    def run(self) -> None:
        with self._app.connection_for_read() as connection:
            receiver = self._app.events.Receiver(connection, handlers={"*": self.seen.append})
            for _ in receiver.itercapture(limit=None, timeout=None, wakeup=True):
                if self._stop.is_set():  # looked at with every heartbeat, at least
                    return

    def results(self) -> set[str]:
        return {str(event["result"]) for event in self.seen if event["type"] == "task-succeeded"}

    def stop(self) -> None:
        self._stop.set()
