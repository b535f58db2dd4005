"""``orderline api-keys``: what producers show at the gateway."""

import asyncio
from typing import Annotated, Final

import typer

from schemas.orders import stamp
from worker.cli.output import Column, Json, print_json, print_pairs, print_table, say
from worker.cli.session import opened
from worker.errors import OrderlineError
from worker.store import api_keys
from worker.store.api_keys import ApiKey

app = typer.Typer(no_args_is_help=True, help="Make API keys for the gateway, list and revoke them.")

_COLUMNS: Final = (
    Column("key", whole=True),
    Column("producer", whole=True),
    Column("made", whole=True),
    Column("revoked", whole=True),
)


class NoSuchKey(OrderlineError):
    """There is no API key of that id."""


@app.command("add")
def add(
    producer: Annotated[str, typer.Argument(help="Whose key it is.")], *, as_json: Json = False
) -> None:
    """Make a key for a registered producer. It is printed once, here, and never again.

    Example: orderline api-keys add shop-eu
    """
    key = api_keys.new_key()
    key_id = asyncio.run(_add(producer, key))
    if as_json:
        print_json({"id": key_id, "producer": producer, "key": key})
        return
    print_pairs([("id", key_id), ("producer", producer), ("key", key)], indent=2)
    say("The key is shown only now. It is sent as: Authorization: Bearer <key>")


@app.command("list")
def list_keys(*, as_json: Json = False) -> None:
    """List the keys by their ids.

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
def revoke(key_id: Annotated[str, typer.Argument(help="The key's id, as listed.")]) -> None:
    """Let a key in no more. Running gateways notice within seconds.

    Example: orderline api-keys revoke a1b2c3d4
    """
    asyncio.run(_revoke(key_id))
    say(f"Revoked {key_id}.")


async def _add(producer: str, key: str) -> str:
    async with opened() as session:
        return await api_keys.add(session.db, producer, key)


async def _every() -> list[ApiKey]:
    async with opened() as session:
        return await api_keys.every(session.db)


async def _revoke(key_id: str) -> None:
    async with opened() as session:
        if not await api_keys.revoke(session.db, key_id):
            raise NoSuchKey(f"There is no API key {key_id!r}; see `orderline api-keys list`.")
