"""``orderline producers acl``."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import typer

from worker import redises
from worker.cli.output import Json, print_json, say
from worker.cli.session import opened
from worker.store import producers
from worker.store.producers import Producer
from worker.streams.access import PLACEHOLDER, producer_rule, producer_user

_PASSWORD_BYTES: Final = 32


def acl(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Which producers; all of them, unless named."),
    ] = None,
    *,
    generate: Annotated[
        bool, typer.Option("--generate", help="Make a password for each, and print it once.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print the Redis user of each producer: it may add to its own stream, and nothing else.

    The lines are commands for redis-cli; in a file of users (aclfile) they begin with `user`
    instead of ACL SETUSER. A password stands in them as its SHA-256. Without --generate that is
    yours to fill in, and Redis refuses the line until then; with it, passwords are printed beside
    the lines, on standard error.

    Redis cannot forbid an option of a command: XADD with MAXLEN may still throw away what waits in
    the producer's own stream.

    Example: orderline producers acl shop-eu --generate | redis-cli
    """
    found, database = asyncio.run(_found(names or ()))
    passwords: Mapping[str, str] = {
        each.name: secrets.token_urlsafe(_PASSWORD_BYTES) for each in found if generate
    }
    rules = {
        each.name: producer_rule(
            each.name, passwords.get(each.name), database, on=each.disabled_at is None
        )
        for each in found
    }
    if as_json:
        print_json(
            [
                {
                    "producer": name,
                    "user": producer_user(name),
                    "acl": rule,
                    "password": passwords.get(name),
                }
                for name, rule in rules.items()
            ]
        )
        return
    for rule in rules.values():
        say(rule)
    for name, password in passwords.items():
        typer.echo(f"{producer_user(name)} has the password {password}", err=True)
    if rules and not generate:
        typer.echo(f"{PLACEHOLDER} stands for # and the SHA-256 of a password, in hex.", err=True)


async def _found(names: Sequence[str]) -> tuple[list[Producer], int]:
    """The producers, and the number of the Redis database that is used."""
    async with opened() as session:
        url = session.settings.redis_url.get_secret_value()
        if names:
            found = [await producers.find(session.db, name) for name in names]
        else:
            found = await producers.every(session.db)
    return found, redises.database_of(url)
