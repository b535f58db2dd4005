"""The one bridge from Celery's threads to the engine's loop, and the base of every task."""

from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar

from celery import Task
from celery.worker.request import Request

from tasks.engine import EngineThread

Answer = TypeVar("Answer")

NOT_UNDERSTOOD = "not understood"
"""What Flower shows of a bell that another version rang and that says too little for this one. The
sweep rings again."""


def run_on(task: Task, work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a coroutine on the engine's loop of this worker process and wait for it."""
    return engine_of(task).run(work)


def engine_of(task: Task) -> EngineThread:
    """The engine of the worker that runs this task."""
    engine: EngineThread = task.app.engine_thread
    return engine


def tell(words: Counter[str]) -> str:
    """What became of a bell's orders, for Flower's result column: ``placed 3, in_doubt 1``."""
    return ", ".join(f"{word} {count}" for word, count in words.most_common()) or "nothing due"


class SilentRequest(Request):
    """A request whose arguments never appear in an event, and so not in Flower."""

    argsrepr = kwargsrepr = "(hidden)"


class SilentTask(Task):
    """A task whose arguments may hold personal data."""

    Request = SilentRequest
