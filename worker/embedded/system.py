"""A whole Orderline on this machine: its environment, and its processes on leashes.

What ``orderline demo`` and ``orderline up`` run; the crash tests fork theirs, with its settings.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from worker.embedded.leash import Leashed
from worker.embedded.servers import Servers

_CELERY: Final = (sys.executable, "-m", "celery", "-A", "tasks.app")
_FLOWER: Final = (sys.executable, "-m", "celery", "-A", "tasks.watching", "flower")
_ORDERLINE: Final = (sys.executable, "-m", "worker.cli")


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """How this installation's processes are started. ``home`` takes their logs and pulses.

    ``accounts`` are provider accounts by provider and name; ``overrides`` are further settings
    by their variable names. With a ``gateway_port`` providers are told to call back there. Flower
    lets ``flower_login`` (``name:password``) in, and nobody else.
    """

    home: Path
    servers: Servers
    encryption_key: str = field(repr=False)
    accounts: Mapping[str, Mapping[str, Mapping[str, str]]] = field(repr=False)
    development_hosts: str = ""
    gateway_port: int | None = None
    flower_port: int | None = None
    flower_login: str = field(default="", repr=False)
    overrides: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The variables every process of this installation is given."""
        return {
            "ORDERLINE_DATABASE_URL": self.servers.database_url,
            "ORDERLINE_REDIS_URL": self.servers.redis_url,
            "ORDERLINE_ENCRYPTION_KEYS": self.encryption_key,
            "ORDERLINE_ACCOUNTS": json.dumps(self.accounts),
            "ORDERLINE_DEVELOPMENT_HOSTS": self.development_hosts,
            "ORDERLINE_PULSE_DIR": str(self.home.absolute()),
            "ORDERLINE_PUBLIC_URL": self.gateway_url or "",
            **self.overrides,
        }

    @property
    def gateway_url(self) -> str | None:
        """Where the gateway is reached."""
        return None if self.gateway_port is None else f"http://127.0.0.1:{self.gateway_port}"

    def worker(self, name: str = "worker", *options: str) -> Leashed:
        """Start a Celery worker; ``options`` are Celery's."""
        named = ("--hostname", f"{name}@%h", "--without-gossip", "--without-mingle")
        return self._start(name, *_CELERY, "worker", *named, *options)

    def beat(self) -> Leashed:
        """Start Celery beat."""
        return self._start("beat", *_CELERY, "beat", "--pidfile", "")

    def gateway(self) -> Leashed:
        """Start the gateway at its port. It serves once ``/healthz`` answers."""
        return self._start("gateway", *_ORDERLINE, "gateway", "--port", str(self.gateway_port))

    def flower(self) -> Leashed:
        """Start Flower at its port: it shows, and changes nothing.

        It needs no more than Redis, but would take ``FLOWER_…`` variables of ours for its own.
        """
        where = ("--address=127.0.0.1", f"--port={self.flower_port}", "--conf=/dev/null")
        login = {"FLOWER_BASIC_AUTH": self.flower_login, "FLOWER_UNAUTHENTICATED_API": ""}
        return self._start("flower", *_FLOWER, *where, extra=login)

    def _start(self, name: str, *command: str, extra: Mapping[str, str] | None = None) -> Leashed:
        self.home.mkdir(parents=True, exist_ok=True)
        grace = float(self.overrides.get("ORDERLINE_GRACE", "20"))
        return Leashed(
            name,
            command,
            env={**self.environment, **(extra or {})},
            log=self.home / f"{name}.log",
            grace=grace + 5,
        )
