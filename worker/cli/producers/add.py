"""``orderline producers add``."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from worker.cli.output import Json, print_json, print_pairs, say
from worker.cli.producers.named import (
    SHOWN_ONCE,
    MaxOpen,
    NotifyHosts,
    check_name,
    check_notify_url,
    note,
    read_hosts,
)
from worker.cli.session import opened
from worker.delivery.signing import new_secret
from worker.errors import OrderlineError
from worker.store import producers
from worker.streams import stream_of


class NameTaken(OrderlineError):
    """A producer of that name is registered already."""


def add(
    name: Annotated[str, typer.Argument(help="The last part of its stream's key.")],
    notify_url: Annotated[
        str, typer.Option(help="Where its notifications go unless an intent names another place.")
    ],
    notify_host: NotifyHosts = None,
    max_open: MaxOpen = None,
    *,
    as_json: Json = False,
) -> None:
    """Register a producer. Its webhook secret is printed once, here, and never again.

    Its intents may name a notify_url of their own on the same host, or on those that you allow.

    Example: orderline producers add shop-eu --notify-url https://shop.example/hooks/orders
    """
    check_name(name)
    check_notify_url(notify_url)
    hosts = read_hosts(notify_host or ())
    secret = new_secret()
    asyncio.run(_add(name, notify_url, hosts, secret, max_open or 0))
    note(name, "added")
    if as_json:
        said = {"name": name, "stream": stream_of(name), "notify_url": notify_url}
        print_json({**said, "notify_hosts": hosts, "max_open": max_open or None, "secret": secret})
        return
    say(f"Registered {name}.")
    print_pairs(
        [
            ("stream", stream_of(name)),
            ("tells", notify_url),
            ("also at", ", ".join(hosts) or None),
            ("open", f"at most {max_open} orders" if max_open else None),
            ("secret", secret),
        ],
        indent=2,
    )
    say(SHOWN_ONCE)


async def _add(
    name: str, notify_url: str, hosts: Sequence[str], secret: str, max_open: int
) -> None:
    async with opened() as session:
        added = await producers.add(
            session.db,
            session.vault,
            name=name,
            notify_url=notify_url,
            notify_hosts=hosts,
            secret=secret,
            max_open=max_open,
        )
    if not added:
        raise NameTaken(f"A producer {name!r} is registered already; nothing was changed.")
