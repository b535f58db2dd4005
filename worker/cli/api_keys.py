"""``orderline api-keys``: what producers show at the gateway."""

import asyncio
from typing import Annotated, Final

import typer

from schemas.orders import stamp
from worker.cli.output import Column, Json, print_json, print_pairs, print_table, say
from worker.cli.session import opened
from worker.errors import NotFound
from worker.store import api_keys
from worker.store.api_keys import ApiKey, new_key

app = typer.Typer(
    no_args_is_help=True, help="Make, list and revoke the keys that producers show at the gateway."
)

_COLUMNS: Final = (
    Column("key", whole=True),
    Column("producer", whole=True),
    Column("made", whole=True),
    Column("revoked", whole=True),
)


@app.command("add")
def add(
    producer: Annotated[str, typer.Argument(help="Whose intents it will put.")],
    *,
    as_json: Json = False,
) -> None:
    """Make an API key of a producer. It is printed once, here, and never again.

    A producer may have several, so that one can be replaced without a pause: add the new one, use
    it, revoke the old one.

    Example: orderline api-keys add shop-eu
    """
    key = new_key()
    key_id = asyncio.run(_add(producer, key))
    if as_json:
        print_json({"id": key_id, "producer": producer, "key": key})
        return
    say(f"Made an API key of {producer}; the gateway knows it within a few seconds.")
    print_pairs([("id", key_id), ("key", key)], indent=2)
    say("The key is shown only now. It goes into each request: Authorization: Bearer <key>")


@app.command("list")
def list_keys(*, as_json: Json = False) -> None:
    """List the API keys by their ids; the keys themselves are kept nowhere.

    Example: orderline api-keys list --json
    """
    found = asyncio.run(_every())
    if as_json:
        print_json(
            [
                {
                    "id": each.key_id,
                    "producer": each.producer,
                    "created_at": each.created_at,
                    "revoked_at": each.revoked_at,
                }
                for each in found
            ]
        )
        return
    rows = [
        [
            each.key_id,
            each.producer,
            stamp(each.created_at),
            "" if each.revoked_at is None else stamp(each.revoked_at),
        ]
        for each in found
    ]
    print_table(_COLUMNS, rows, "There is no API key; `orderline api-keys add` makes one.")


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
) -> None:
    """Let an API key in no more, for good. What it put before stays.

    Example: orderline api-keys revoke k3f7q2ma
    """
    if not asyncio.run(_revoke(key_id)):
        raise NotFound("There is no such API key; `orderline api-keys list` shows those there are.")
    say("Revoked. Gateways let it in no more within a few seconds.")


async def _add(producer: str, key: str) -> str:
    async with opened() as session:
        return await api_keys.add(session.db, producer, key)


async def _every() -> list[ApiKey]:
    async with opened() as session:
        return await api_keys.every(session.db)


async def _revoke(key_id: str) -> bool:
    async with opened() as session:
        return await api_keys.revoke(session.db, key_id)
