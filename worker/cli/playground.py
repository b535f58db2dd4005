"""A whole Orderline to play with, kept running, its data and its key kept for the next time."""

import asyncio
import json
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from rich.text import Text

from schemas.orders import stamp
from worker.cli.local import DATABASE_URL, DEVELOPMENT_HOSTS, KEYS, REDIS_URL, apart, given
from worker.cli.output import coloured, print_pairs, printable, say
from worker.cli.session import opened_database, opened_redis
from worker.clock import SystemClock
from worker.crypto import Vault
from worker.delivery.signing import new_secret
from worker.demo.crew import BEAT, FLOWER, GATEWAY, Crew
from worker.demo.example import example
from worker.demo.receiver import Receiver, subject_of
from worker.embedded import Servers, embedded_servers
from worker.embedded.place import kept_data
from worker.embedded.port import free_port
from worker.embedded.system import System
from worker.errors import OrderlineError
from worker.runtime import open_vault
from worker.sandbox import Sandbox
from worker.settings import load_settings
from worker.store import migrations, producers
from worker.store.session import Database

HOME: Final = ".orderline"
PRODUCER: Final = "demo"
SANDBOX_PORT: Final = 8800
GATEWAY_PORT: Final = 8820
HOOK_PORT: Final = 8810
FLOWER_PORT: Final = 5555
FLOWER_USER: Final = "orderline"

_PRIVATE: Final = 0o600
_LOOK_EVERY: Final = 0.5
_GRACE: Final = "8"
"""Seconds: whoever plays does not want to wait for calls to a provider that is not real."""

Opened = TypeVar("Opened")


class PortTaken(OrderlineError):
    """A port that must be a certain one is in use."""


class NotOurs(OrderlineError):
    """The producer ``demo`` was registered by somebody else, with another endpoint."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of what is kept, beside the servers' data."""

    path: Path

    def key(self) -> str:
        """The development key: made once, readable by its owner only."""
        return self._once("key", Vault.new_key())

    def flower_login(self) -> str:
        """Who may look at Flower, as ``name:password``: made once, like the key."""
        return f"{FLOWER_USER}:{self._once('flower', token_urlsafe(18))}"

    def _once(self, name: str, text: str) -> str:
        with suppress(FileExistsError):
            self.write(name, text, flags=os.O_EXCL)
        return (self.path / name).read_text()

    def write(self, name: str, text: str, *, flags: int = os.O_TRUNC) -> None:
        """Write a file that only its owner may read."""
        how = os.O_WRONLY | os.O_CREAT | flags
        with os.fdopen(os.open(self.path / name, how, _PRIVATE), "w") as file:
            file.write(text)


@dataclass(frozen=True, slots=True)
class Doors:
    """The ports at which a browser finds something."""

    gateway: int
    flower: int

    @property
    def flower_url(self) -> str:
        """Where Flower is."""
        return f"http://127.0.0.1:{self.flower}"

    def __str__(self) -> str:
        at = f"http://127.0.0.1:{self.gateway}"
        return f"Flower {self.flower_url}  console {at}/ops  metrics {at}/metrics  API {at}/docs"


def run(port: int | None) -> None:
    """Run until Ctrl-C or SIGTERM. Raises ``OrderlineError`` where it cannot begin."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the same as Ctrl-C, from here on
    home = Home(Path(HOME).absolute())
    home.path.mkdir(mode=0o700, exist_ok=True)
    (home.path / "logs").mkdir(exist_ok=True)
    keys = given(KEYS) or home.key()
    hosts = given(DEVELOPMENT_HOSTS)
    doors = Doors(free_port(GATEWAY_PORT), free_port(FLOWER_PORT))
    say(str(doors))
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        database_url, redis_url = given(DATABASE_URL), given(REDIS_URL)
        stack.enter_context(apart(home.path / "logs"))
        servers = stack.enter_context(
            embedded_servers(
                home.path,
                persistent=True,
                database_url=database_url,
                redis_url=redis_url,
                say=say,
            )
        )
        asyncio.run(_run(servers, home, keys, port, doors, hosts))
    say(f"Everything was stopped. The data stays in {kept_data(home.path)}.")


async def _run(
    servers: Servers, home: Home, keys: str, port: int | None, doors: Doors, hosts: str | None
) -> None:
    os.environ |= {DATABASE_URL: servers.database_url, REDIS_URL: servers.redis_url, KEYS: keys}
    settings = load_settings()
    stopping = _stopping()
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(opened_database(settings))
        redis = await stack.enter_async_context(opened_redis(settings))
        await redis.ping()
        say("Migrating the database")
        await asyncio.to_thread(migrations.upgrade, settings.sqlalchemy_url)
        receiver = await _receiver(stack, db, open_vault(settings))
        ports = (SANDBOX_PORT, 0) if port is None else (port,)
        sandbox = await _open(stack, lambda port: Sandbox(port=port), *ports)
        system = System(
            home=home.path / "logs",
            servers=servers,
            encryption_key=keys,
            accounts=sandbox.account_settings(),
            development_hosts=",".join(filter(None, (receiver.host, hosts))),
            gateway_port=doors.gateway,
            flower_port=doors.flower,
            flower_login=home.flower_login(),
            overrides={"ORDERLINE_GRACE": _GRACE},
        )
        crew = await stack.enter_async_context(Crew(system))
        await crew.start("worker", BEAT, GATEWAY, FLOWER)
        _write_files(home, system)
        _explain(home, doors, sandbox, receiver)
        await _stay(crew, stopping)
        say("Stopping")


def _stopping() -> asyncio.Event:
    """Set by Ctrl-C and SIGTERM, so that neither cuts through the middle of something."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


async def _stay(crew: Crew, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        for end in crew.ended():
            say(Text(printable(f"{end.name} {end.how}; the rest goes on."), "bold red"))
            for line in end.last_words.splitlines():
                say(f"    {printable(line)}")
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_EVERY):
                await stopping.wait()


async def _receiver(stack: AsyncExitStack, db: Database, vault: Vault) -> Receiver:
    """The endpoint of the producer ``demo``: where it was registered once, or registered now.

    The database remembers its port from one run to the next.
    """
    known = {each.name: each.notify_url for each in await producers.every(db)}.get(PRODUCER)
    ports = (HOOK_PORT, 0) if known is None else (_port_of(known),)
    receiver = await _open(stack, lambda port: Receiver(port=port, hear=_hear), *ports)
    if known is None:
        hook = receiver.hook(PRODUCER)
        await producers.add(db, vault, name=PRODUCER, notify_url=hook, secret=new_secret())
    receiver.trust(PRODUCER, await producers.secret_of(db, vault, PRODUCER))
    return receiver


def _port_of(notify_url: str) -> int:
    parts = urlsplit(notify_url)
    if parts.hostname != "127.0.0.1" or parts.port is None:
        raise NotOurs(f"A producer {PRODUCER!r} is registered already, with an endpoint elsewhere.")
    return parts.port


async def _open(
    stack: AsyncExitStack, make: Callable[[int], AbstractAsyncContextManager[Opened]], *ports: int
) -> Opened:
    """Open a server at the first of these ports that is free."""
    for port in ports:
        with suppress(OSError):
            return await stack.enter_async_context(make(port))
    raise PortTaken(f"Port {ports[0]} of 127.0.0.1, or one right after it, is in use.")


def _hear(body: Mapping[str, Any]) -> None:
    """Print a notification whose signature was verified; delivered codes are only counted."""
    news = body["data"]
    codes = len(news.get("goods", ()))
    goods = f"  {codes} {'item' if codes == 1 else 'items'}" if codes else ""
    told = news.get("reason") or news.get("detail")
    reason = f"  {told}" if told else ""
    state = coloured(str(body["type"]).partition(".")[2])
    name = printable(f"{stamp(SystemClock().now())}  {subject_of(news)}  no. {news['sequence']}  ")
    say(Text(name) + state + Text(printable(f"{goods}{reason}")))


def _write_files(home: Home, system: System) -> None:
    variables = (f"{name}={shlex.quote(value)}\n" for name, value in system.environment.items())
    home.write("env", "".join(variables))
    number = f"{SystemClock().now():%Y%m%d-%H%M%S}"
    home.write("example.json", json.dumps(example(PRODUCER, number), indent=2) + "\n")


def _explain(home: Home, doors: Doors, sandbox: Sandbox, receiver: Receiver) -> None:
    """Say how everything is reached."""
    found = shutil.which("orderline")
    command = "orderline" if found else shlex.quote(sys.argv[0])
    shown = home.path.name
    say("")
    print_pairs(
        [
            ("sandbox", sandbox.url()),
            ("gateway", f"http://127.0.0.1:{doors.gateway}/docs"),
            (
                "Flower",
                f"{doors.flower_url}  (user {FLOWER_USER}; its password is in {shown}/flower)",
            ),
            (
                "magic values",
                f"{sandbox.url()}/magic  (a product for everything that can go wrong)",
            ),
            (
                "notifications",
                f"to {receiver.hook(PRODUCER)}; those of {PRODUCER!r} are printed here",
            ),
            ("logs", f"{shown}/logs"),
            ("data", str(kept_data(home.path))),
        ]
    )
    say("\nIn another terminal, in this directory:\n")
    for line in (
        f"set -a; . {shown}/env; set +a",
        f"{command} enqueue {shown}/example.json",
        f"{command} watch",
        f"{command} doctor",
    ):
        say(f"    {line}")
    say("\nCtrl-C stops everything. Verified notifications:\n")
