"""What a victim does to itself at a moment: die (``CRASH_AT``), stop (``FREEZE_AT``), or hang."""

import os
import signal
import time

from tests.crash import watched
from tests.crash.moments import ANSWERED, Moment
from worker.store.session import Boundary, Side

_FATES = ("CRASH_AT", "FREEZE_AT", "HANG_AT")
_TAKES_EFFECT = 0.1
"""Seconds: a stop reaches all threads a moment after it was sent."""
_FOR_EVER = 3600.0


class Fate:
    """Does to this process what is meant for its moments, each once.

    ``HANG_AT`` blocks the whole loop; its other threads live on.
    """

    def __init__(self) -> None:
        self._waiting = {
            Moment.read(os.environ[name]): name for name in _FATES if name in os.environ
        }

    def reached(self, at: Boundary | str, side: Side) -> None:
        """The engine's hook, and ours for what is no boundary."""
        about = watched.ABOUT.get()
        for moment in list(self._waiting):
            if (moment.at, moment.side) == (at, side) and moment.about in {None, *about}:
                self._meet(moment, self._waiting.pop(moment))

    def answered(self, step: str) -> None:
        """A call was answered; its settling begins after this."""
        watched.ABOUT.set(frozenset({step}))
        self.reached(ANSWERED, "after")

    def _meet(self, moment: Moment, name: str) -> None:
        os.write(2, f"{name} {moment}\n".encode())
        match name:
            case "CRASH_AT":
                os.kill(os.getpid(), signal.SIGKILL)
            case "FREEZE_AT":
                os.kill(os.getpid(), signal.SIGSTOP)
                time.sleep(_TAKES_EFFECT)
            case _:
                time.sleep(_FOR_EVER)
