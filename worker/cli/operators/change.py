"""``orderline operators passwd``, ``disable`` and ``enable``."""

import asyncio
from typing import Annotated

import typer

from worker.cli.operator import By
from worker.cli.operators.asked import Name, ask_password
from worker.cli.output import say
from worker.cli.session import opened
from worker.operating.hand import Hand
from worker.store import operators
from worker.store.deeds import Act
from worker.store.operators import Changes
from worker.store.tables_operators import Role, Via


def passwd(name: Name, *, by: By) -> None:
    """Give an operator a new password. Whoever is signed in under that name has to do so again.

    Example: orderline operators passwd ada
    """
    changes = Changes(password_hash=ask_password())
    asyncio.run(_change(name, changes, Hand(by, Via.COMMAND), "password"))
    say(f"{name} has a new password, and is signed out everywhere.")


def disable(name: Name, *, by: By) -> None:
    """Let an operator in no more, from this moment. What was done under the name stays on record.

    Example: orderline operators disable ada
    """
    asyncio.run(_change(name, Changes(disabled=True), Hand(by, Via.COMMAND), "disabled"))
    say(f"{name} gets in no more, and is signed out everywhere.")


def enable(
    name: Name,
    *,
    role: Annotated[Role | None, typer.Option(help="From now on in this role.")] = None,
    by: By,
) -> None:
    """Let an operator in who was disabled; with --role also one who was not, in another role.

    Example: orderline operators enable ada --role view
    """
    changes = Changes(disabled=False, role=role)
    asyncio.run(_change(name, changes, Hand(by, Via.COMMAND), "enabled"))
    say(f"{name} may sign in{'' if role is None else f', with the role {role}'}.")


async def _change(name: str, changes: Changes, hand: Hand, what: str) -> None:
    async with opened() as session:
        deed = hand.deed(Act.OPERATOR_CHANGED, about=name, what=what, role=changes.role)
        await operators.change(session.db, name, changes, deed)
