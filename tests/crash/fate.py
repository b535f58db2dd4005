"""What a victim does to itself: it dies at a moment (``CRASH_AT``), or stops (``FREEZE_AT``)."""

import os
import signal
import time

from tests.crash import watched
from tests.crash.moments import ANSWERED, Moment
from worker.store.session import Boundary, Side

_SIGNALS = {"CRASH_AT": signal.SIGKILL, "FREEZE_AT": signal.SIGSTOP}


class Fate:
    """Sends this process the signals that are meant for its moments, each once."""

    def __init__(self) -> None:
        self._waiting = {
            Moment.read(os.environ[name]): (name, number)
            for name, number in _SIGNALS.items()
            if name in os.environ
        }

    def reached(self, at: Boundary | str, side: Side) -> None:
        """The engine's hook, and ours for what is no boundary."""
        about = watched.ABOUT.get()
        for moment in list(self._waiting):
            if (moment.at, moment.side) == (at, side) and moment.about in {None, *about}:
                self._meet(moment, *self._waiting.pop(moment))

    def answered(self, step: str) -> None:
        """A call was answered; its settling begins after this."""
        watched.ABOUT.set(frozenset({step}))
        self.reached(ANSWERED, "after")

    def _meet(self, moment: Moment, name: str, number: signal.Signals) -> None:
        os.write(2, f"{name} {moment}\n".encode())
        os.kill(os.getpid(), number)
        time.sleep(0.1)  # a stop takes effect in all threads a moment after the call
