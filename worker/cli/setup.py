"""``orderline setup``: the secrets of an installation, made where it starts, once."""

import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from worker.cli.output import print_pairs, say
from worker.crypto import Vault
from worker.streams.roles import NOBODY, ROLES, Role, user_line

_SIZE: Final = 24
_OURS: Final = 0o400
_ANYBODYS: Final = 0o444
"""In a folder that only one container sees, whatever account its program runs as."""

ADMIN: Final = Role("admin", ("*",), ("*",), ("@all",))
FLOWER_USER: Final = "orderline"


def setup(
    folder: Annotated[Path, typer.Argument(help="Takes a folder for each role.")],
    *,
    redis: Annotated[str, typer.Option(help="Redis, as HOST:PORT/DATABASE.")] = "redis:6379/0",
    postgres: Annotated[
        str, typer.Option(help="PostgreSQL, as HOST:PORT/DATABASE.")
    ] = "postgres:5432/orderline",
    owner: Annotated[
        int | None, typer.Option(help="The user id that Orderline's own files are given to.")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Print who can log in where.")] = False,
) -> None:
    """Make the secrets of an installation: passwords, the key, and a Redis user for each role.

    What is there stays as it is, so it may run before each start. Each role has a folder of its
    own, with a .env that its processes find in their working directory; nothing is printed but with
    --show. docker-compose.yml runs it first.

    Example: orderline setup /run/orderline --owner 10001
    """
    place = _Place(folder, owner)
    _write(place, redis, postgres)
    if show:
        print_pairs(
            [
                ("Flower", f"{FLOWER_USER} {place.read('flower', 'password')}"),
                ("Grafana", f"admin {place.read('grafana', 'password')}"),
                ("Redis", f"admin {place.read('redis', 'password')}"),
            ]
        )
    else:
        say(f"The secrets are in {folder}; --show prints who can log in where.")


@dataclass(frozen=True, slots=True)
class _Place:
    folder: Path
    owner: int | None

    def kept(self, role: str, name: str, make: Callable[[], str], mode: int = _OURS) -> str:
        """A secret: the one that is there, else a new one."""
        path = self.folder / role / name
        if not path.exists():
            self.put(role, name, make(), mode)
        return path.read_text()

    def put(self, role: str, name: str, text: str, mode: int = _OURS) -> None:
        """Write a file whole, or not at all."""
        folder = self.folder / role
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        new = folder / f".new-{name}"
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        if self.owner is not None:
            os.chown(new, self.owner, -1)
        new.chmod(mode)
        new.replace(folder / name)

    def read(self, role: str, name: str) -> str:
        return (self.folder / role / name).read_text()


def _write(place: _Place, redis: str, postgres: str) -> None:
    database = place.kept("postgres", "password", _password, _ANYBODYS)
    place.kept("grafana", "password", _password, _ANYBODYS)
    key = place.kept("worker", "encryption-key", Vault.new_key)
    token = place.kept("prometheus", "token", _password, _ANYBODYS)
    url = {
        name: f"redis://{name}:{place.kept(name, 'redis-password', _password)}@{redis}"
        for name in ROLES
    }
    for name in ("worker", "gateway", "operator"):
        place.put(
            name,
            ".env",
            f"ORDERLINE_DATABASE_URL=postgresql://orderline:{database}@{postgres}\n"
            f"ORDERLINE_REDIS_URL={url[name]}\nORDERLINE_ENCRYPTION_KEYS={key}\n"
            f"ORDERLINE_METRICS_TOKEN={token}\n",
        )
    place.put("flower", ".env", f"ORDERLINE_REDIS_URL={url['flower']}\n")
    login = f"{FLOWER_USER}:{place.kept('flower', 'password', _password)}"
    place.put("flower", "flowerconfig.py", f"basic_auth = [{login!r}]\nread_only = True\n")
    place.put("exporter", "env", f"CE_BROKER_URL={url['exporter']}\n", _ANYBODYS)
    number = int(redis.partition("/")[2] or 0)
    place.put("redis", "users.acl", _users(place, number), _ANYBODYS)


def _users(place: _Place, database: int) -> str:
    """The file of users; those that somebody added to it stay. Redis refuses any other line."""
    ours = [NOBODY, user_line(ADMIN, place.kept("redis", "password", _password, _ANYBODYS))]
    ours += [
        user_line(role, place.read(role.name, "redis-password"), database)
        for role in ROLES.values()
    ]
    names = {_name(line) for line in ours}
    there = place.folder / "redis" / "users.acl"
    added: Iterable[str] = there.read_text().splitlines() if there.exists() else ()
    kept = (line for line in added if _name(line) and _name(line) not in names)
    return "\n".join([*ours, *kept]) + "\n"


def _name(line: str) -> str:
    return line.split()[1] if line.startswith("user ") else ""


def _password() -> str:
    return secrets.token_urlsafe(_SIZE)
