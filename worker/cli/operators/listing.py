"""``orderline operators list``."""

import asyncio
from typing import Final

from schemas.operators import OperatorView
from schemas.orders import stamp
from worker.cli.output import NOTHING, Column, Json, print_json, print_table
from worker.cli.session import opened
from worker.store import operators

_COLUMNS: Final = (
    Column("name", whole=True),
    Column("role", whole=True),
    Column("added", whole=True),
    Column("disabled", whole=True),
    Column("signed in", right=True),
)
_NOTHING: Final = "Nobody may sign in to the console; `orderline operators add` lets somebody."


def listing(*, as_json: Json = False) -> None:
    """List who may sign in to the console, or could before being disabled.

    Example: orderline operators list --json
    """
    found = asyncio.run(_every())
    if as_json:
        print_json(found)
        return
    rows = [
        [
            each.name,
            each.role,
            stamp(each.created_at),
            NOTHING if each.disabled_at is None else stamp(each.disabled_at),
            str(each.sessions),
        ]
        for each in found
    ]
    print_table(_COLUMNS, rows, _NOTHING)


async def _every() -> list[OperatorView]:
    async with opened() as session:
        return await operators.every(session.db)
