"""A Celery app whose worker kills itself at one commit boundary, chosen by ``CRASH_AT``."""

import os
import signal

from tasks.app import app
from worker.store.session import Boundary, Side

_boundary, _, _side = os.environ["CRASH_AT"].partition("/")


def _die(boundary: Boundary, side: Side) -> None:
    if (boundary, side) == (_boundary, _side):
        os.kill(os.getpid(), signal.SIGKILL)


app.on_boundary = _die
