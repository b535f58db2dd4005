"""``orderline producers``: who may ask, and where each is told."""

import asyncio
from typing import Annotated, Final

import typer
from pydantic import TypeAdapter, ValidationError

from schemas.intents.envelope import Producer as ProducerName
from schemas.intents.urls import check_url
from schemas.orders import stamp
from worker.cli.output import Column, Json, print_json, print_pairs, print_table, say
from worker.cli.session import opened
from worker.delivery.signing import new_secret
from worker.errors import OrderlineError
from worker.settings import load_settings
from worker.store import producers
from worker.store.producers import Producer
from worker.store.views_story import shown_url
from worker.streams import UNNAMED, stream_of

app = typer.Typer(no_args_is_help=True, help="Register producers and list them.")

_NAME: Final[TypeAdapter[str]] = TypeAdapter(ProducerName)
_COLUMNS: Final = (
    Column("producer", whole=True),
    Column("stream", whole=True),
    Column("notifications go to"),
    Column("registered", whole=True),
)


class NameTaken(OrderlineError):
    """A producer of that name is registered already."""


def _check_name(name: str) -> str:
    try:
        _NAME.validate_python(name)
    except ValidationError:
        raise typer.BadParameter(
            "a producer's name is 1 to 63 characters: a-z, 0-9 and -, the first one no -"
        ) from None
    if name == UNNAMED:
        raise typer.BadParameter(f"{UNNAMED!r} is kept for intents that name no producer")
    return name


def _check_url(notify_url: str) -> None:
    refused = check_url(notify_url, load_settings().development_host_set)
    if refused is not None:
        raise typer.BadParameter(
            f"{refused}. A host for development is named in ORDERLINE_DEVELOPMENT_HOSTS.",
            param_hint="--notify-url",
        )


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="The last part of its stream's key.")],
    notify_url: Annotated[
        str, typer.Option(help="Where its notifications go unless an intent names another place.")
    ],
    *,
    as_json: Json = False,
) -> None:
    """Register a producer. Its webhook secret is printed once, here, and never again.

    Example: orderline producers add shop-eu --notify-url https://shop.example/hooks/orders
    """
    _check_name(name)
    _check_url(notify_url)
    secret = new_secret()
    asyncio.run(_add(name, notify_url, secret))
    if as_json:
        said = {"name": name, "stream": stream_of(name), "notify_url": notify_url}
        print_json({**said, "secret": secret})
        return
    say(f"Registered {name}.")
    print_pairs([("stream", stream_of(name)), ("tells", notify_url), ("secret", secret)], indent=2)
    say("The secret is shown only now. The producer verifies its webhooks with it.")


@app.command("list")
def list_producers(*, as_json: Json = False) -> None:
    """List the registered producers.

    Example: orderline producers list --json
    """
    found = asyncio.run(_every())
    if as_json:
        print_json(
            [
                {
                    "name": each.name,
                    "stream": stream_of(each.name),
                    "notify_url": shown_url(each.notify_url),
                    "created_at": each.created_at,
                }
                for each in found
            ]
        )
        return
    rows = [
        [each.name, stream_of(each.name), shown_url(each.notify_url), stamp(each.created_at)]
        for each in found
    ]
    print_table(_COLUMNS, rows, "No producer is registered; `orderline producers add` does it.")


async def _add(name: str, notify_url: str, secret: str) -> None:
    async with opened() as session:
        added = await producers.add(
            session.db, session.vault, name=name, notify_url=notify_url, secret=secret
        )
        if not added:
            raise NameTaken(f"A producer {name!r} is registered already; nothing was changed.")


async def _every() -> list[Producer]:
    async with opened() as session:
        return await producers.every(session.db)
