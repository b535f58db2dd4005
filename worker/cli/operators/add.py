"""``orderline operators add``."""

import asyncio
from typing import Annotated

import typer

from worker.cli.operator import By
from worker.cli.operators.asked import Name, ask_password
from worker.cli.output import Json, print_json, say
from worker.cli.session import opened
from worker.errors import OrderlineError
from worker.operating.hand import Hand
from worker.store import operators
from worker.store.deeds import Act
from worker.store.tables_operators import Role, Via


class NameTaken(OrderlineError):
    """There is an operator of that name already."""


def add(
    name: Name,
    *,
    role: Annotated[
        Role, typer.Option(help="view: read, personal data hidden. operate: decide, too.")
    ] = Role.VIEW,
    by: By,
    as_json: Json = False,
) -> None:
    """Let somebody sign in to the console. The password is asked for, or read from standard input.

    What this operator does there stands under this name, so give one to each person.

    Example: orderline operators add ada --role operate
    """
    password_hash = ask_password()
    asyncio.run(_add(name, role, password_hash, Hand(by, Via.COMMAND)))
    if as_json:
        print_json({"name": name, "role": role})
    else:
        say(f"{name} may sign in to the console and {_MAY[role]}.")


_MAY = {Role.VIEW: "look at everything but personal data", Role.OPERATE: "decide"}


async def _add(name: str, role: Role, password_hash: str, hand: Hand) -> None:
    async with opened() as session:
        deed = hand.deed(Act.OPERATOR_ADDED, about=name, role=role)
        if not await operators.add(session.db, name, role, password_hash, deed):
            raise NameTaken(
                f"There is an operator {name} already; `orderline operators passwd` changes the"
                " password."
            )
