"""A Celery app whose worker kills itself at one commit boundary, chosen by ``CRASH_AT``.

Or hangs there, with its whole loop: ``HANG_AT``.
"""

import os
import signal
import time

from tasks.app import app
from worker.store.session import Boundary, Side

FOR_EVER = 3600.0


def _reached(boundary: Boundary, side: Side) -> None:
    here = f"{boundary}/{side}"
    if os.environ.get("CRASH_AT") == here:
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("HANG_AT") == here:
        time.sleep(FOR_EVER)


app.on_boundary = _reached
