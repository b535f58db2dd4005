"""``orderline operators``: who may sign in to the console."""

import json

from tests.cli.conftest import Orderline
from tests.cli.world import World
from worker.operating.hand import Hand
from worker.operating.passwords import fits
from worker.store import operators
from worker.store.deeds import Act, deeds
from worker.store.tables_operators import Via

PASSWORD = "correct horse battery"


async def test_an_operator_is_added_with_a_password_from_standard_input(
    world: World, orderline: Orderline
) -> None:
    ran = await orderline(
        "operators", "add", "ada", "--role", "operate", "--by", "root", stdin=f"{PASSWORD}\n"
    )
    assert (ran.code, ran.out) == (0, "ada may sign in to the console and decide.\n")
    kept = await operators.password_hash_of(world.db, "ada")
    assert kept is not None
    assert PASSWORD not in kept
    assert fits(kept, PASSWORD)
    assert not fits(kept, PASSWORD + " ")
    [deed] = await deeds(world.db)
    assert (deed.by, deed.via, deed.action, deed.about) == (
        "root",
        "command",
        "operator added",
        "ada",
    )


async def test_a_name_is_taken_once_and_a_short_password_is_none(
    world: World, orderline: Orderline
) -> None:
    del world
    assert (await orderline("operators", "add", "ada", stdin="too short\n")).code == 2
    assert (await orderline("operators", "add", "Ada!", stdin=f"{PASSWORD}\n")).code == 2
    assert (await orderline("operators", "add", "ada", stdin=f"{PASSWORD}\n")).code == 0
    again = await orderline("operators", "add", "ada", stdin=f"{PASSWORD}\n")
    assert again.code == 1
    assert "already" in again.err


async def test_a_new_password_and_being_disabled_sign_an_operator_out(
    world: World, orderline: Orderline
) -> None:
    await orderline("operators", "add", "ada", stdin=f"{PASSWORD}\n")
    kept = await operators.password_hash_of(world.db, "ada")
    assert kept is not None

    deed = Hand("ada", Via.CONSOLE).deed(Act.SIGNED_IN)

    assert await operators.sign_in(world.db, "token", "ada", kept, deed)
    assert await operators.who(world.db, "token")
    ran = await orderline("operators", "passwd", "ada", stdin="another battery horse\n")
    assert ran.code == 0
    assert await operators.who(world.db, "token") is None
    assert not await operators.sign_in(world.db, "token", "ada", kept, deed)
    assert (await orderline("operators", "disable", "ada")).code == 0
    assert await operators.password_hash_of(world.db, "ada") is None
    listed = json.loads((await orderline("operators", "list", "--json")).out)
    assert [(each["name"], each["role"], each["sessions"]) for each in listed] == [
        ("ada", "view", 0)
    ]
    assert listed[0]["disabled_at"]
    assert (await orderline("operators", "enable", "ada", "--role", "operate")).code == 0
    assert "operate" in (await orderline("operators", "list")).out
    assert (await orderline("operators", "disable", "nobody")).code == 1
