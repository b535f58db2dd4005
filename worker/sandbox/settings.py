"""How the simulated remotes behave as a whole. One order's behaviour is its magic value."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from worker.sandbox.faults import Fault

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """The habits of all remotes.

    ``fault_rate``      random faults, see ``Faults``.
    ``latency``         seconds before any call is looked at; one number, or one per remote.
    ``pace``            seconds between the stages of an order that does not finish at once.
    ``callbacks``       whether remotes call back at all.
    ``callback_hosts``  the only hosts a callback is ever sent to; this machine by default.
    ``frozen_for``      how long a remote that freezes prices holds one.
    ``token_lifetime``  how long a token of a remote with a login lives.
    ``drip``            seconds between two bytes of a dripping answer.
    """

    fault_rate: float | Mapping[Fault, float] = 0.0
    latency: float | Mapping[str, float] = 0.0
    pace: float = 2.0
    callbacks: bool = True
    callback_hosts: frozenset[str] = LOOPBACK
    frozen_for: timedelta = timedelta(minutes=10)
    token_lifetime: timedelta = timedelta(hours=1)
    drip: float = 0.02

    def latency_of(self, remote: str) -> float:
        """Seconds a call to this remote waits before it is looked at."""
        return self.latency.get(remote, 0.0) if isinstance(self.latency, Mapping) else self.latency
