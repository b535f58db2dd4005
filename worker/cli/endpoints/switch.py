"""``orderline endpoints disable`` and ``enable``."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import typer

from schemas.endpoints import EndpointView
from worker.cli.endpoints.chosen import Producer, Url, find_endpoint
from worker.cli.operator import By
from worker.cli.options import Because
from worker.cli.output import Json, print_json, printable, say
from worker.cli.session import opened
from worker.lanes import Lane
from worker.operating.hand import Hand
from worker.store import endpoints
from worker.store.deeds import Act, Deed
from worker.store.endpoints import Decision
from worker.store.session import Database
from worker.store.tables_operators import Via

_UNCHANGED = 1

Switch = Callable[[Database, Lane, Decision], Awaitable[int | None]]


def disable(
    url: Url, *, why: Because, by: By, producer: Producer = None, as_json: Json = False
) -> None:
    """Send nothing to an endpoint from now on; what it is owed waits, and is not lost.

    Ends with 0 when it was disabled, 1 when it was so already, 2 when it was called wrongly.

    Example: orderline endpoints disable https://shop.example/hooks --why "they move, ticket 4711"
    """
    disabling = Hand(by, Via.COMMAND).deed(Act.DISABLED, why=why)
    found, waiting = asyncio.run(_switch(url, producer, endpoints.disable, disabling))
    _end(found, waiting, "is disabled; {} held back", f"is {found.told} already", as_json=as_json)


def enable(
    url: Url, *, why: Because, by: By, producer: Producer = None, as_json: Json = False
) -> None:
    """Send to an endpoint again: what waits goes out at once, in order, and its tries begin anew.

    So does one that is not disabled, but fails or rests.

    Ends with 0 when it was enabled, 1 when there was nothing to change, 2 when it was called
    wrongly.

    Example: orderline endpoints enable https://shop.example/hooks --why "they are back"
    """
    enabling = Hand(by, Via.COMMAND).deed(Act.ENABLED, why=why)
    found, waiting = asyncio.run(_switch(url, producer, endpoints.enable, enabling))
    _end(found, waiting, "is enabled; {} due now", "is ok: nothing to enable", as_json=as_json)


async def _switch(
    url: str, producer: str | None, switch: Switch, deed: Deed
) -> tuple[EndpointView, int | None]:
    async with opened() as session:
        found = await find_endpoint(session.db, url, producer)
        deed = replace(deed, about=f"{found.url} of {found.producer}")
        decision = Decision(by=deed.by, why=deed.why or "", deed=deed)
        waiting = await switch(session.db, (found.producer, found.url), decision)
        return await find_endpoint(session.db, found.url, found.producer), waiting


def _end(
    found: EndpointView, waiting: int | None, done: str, undone: str, *, as_json: bool
) -> None:
    if as_json:
        print_json({"changed": waiting is not None, "endpoint": found})
    else:
        count = f"{waiting} notification{'' if waiting == 1 else 's'}"
        said = undone if waiting is None else done.format(count)
        say(printable(f"Endpoint {found.url} of {found.producer} {said}"))
    if waiting is None:
        raise typer.Exit(_UNCHANGED)
