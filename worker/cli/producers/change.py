"""``orderline producers set``."""

import asyncio
from typing import Annotated

import typer

from worker.cli.output import say
from worker.cli.producers.named import (
    MaxOpen,
    Name,
    NotifyHosts,
    check_notify_url,
    note,
    read_hosts,
)
from worker.cli.session import opened
from worker.store import producers


def change(
    name: Name,
    notify_url: Annotated[
        str | None,
        typer.Option(help="Where its notifications go unless an intent names another place."),
    ] = None,
    notify_host: NotifyHosts = None,
    max_open: MaxOpen = None,
    *,
    no_hosts: Annotated[
        bool,
        typer.Option("--no-notify-hosts", help="No other host than that of its own URL."),
    ] = False,
) -> None:
    """Say anew where a producer is told, and how many of its orders may be open.

    The hosts that you name take the place of all before. Orders that were taken in are told where
    they were to be. What was set aside because of its host (foreign_host), or because too many
    orders were open (too_many_open), can be replayed.

    Example: orderline producers set shop-eu --notify-host hooks.shop.example
    """
    if notify_host and no_hosts:
        raise typer.BadParameter("give either --notify-host or --no-notify-hosts")
    elsewhere = notify_url is not None or bool(notify_host) or no_hosts
    if not elsewhere and max_open is None:
        raise typer.BadParameter(
            "nothing is to be changed: --notify-url, --notify-host, or --max-open"
        )
    if notify_url is not None:
        check_notify_url(notify_url)
    hosts = read_hosts(notify_host or ()) if notify_host or no_hosts else None
    asyncio.run(_change(name, notify_url, hosts, max_open))
    if elsewhere:
        note(name, "told elsewhere")
    if max_open is not None:
        note(name, "another limit of open orders")
    say(f"{name} was changed; `orderline producers show {name}` says how it is now.")


async def _change(
    name: str, notify_url: str | None, hosts: list[str] | None, max_open: int | None
) -> None:
    async with opened() as session:
        await producers.change(
            session.db, name, notify_url=notify_url, notify_hosts=hosts, max_open=max_open
        )
