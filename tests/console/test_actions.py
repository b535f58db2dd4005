"""What can be done in the console: it does what the command does, under the name that signed in."""

from typing import Any

from sqlalchemy import text

from tests.cli.world import World
from tests.console.conftest import Pages, Somethings
from worker.store.session import Boundary

WHY = "seen in their panel"


async def _deeds(pages: Pages) -> list[Any]:
    return await pages.rows(
        "SELECT * FROM deeds WHERE via = 'console' AND action <> 'signed in' ORDER BY id"
    )


async def test_a_parked_order_is_resolved_once_with_the_same_record_as_the_commands(
    ada: Pages, somethings: Somethings
) -> None:
    await _give_back(ada, somethings)
    page = f"/orders/{somethings.parked}"
    assert "What did you find out?" in await ada.look("/waiting")
    told = await ada.follow(f"{page}/resolve", said="refused", why=WHY)
    assert "Recorded." in told
    assert "order.resolved" in told
    [event] = await ada.rows("SELECT data FROM events WHERE type = 'order.resolved'")
    assert event.data == {"as": "refused", "by": "ada", "why": WHY}
    resolved = (await _deeds(ada))[-1]
    assert (resolved.action, resolved.by, str(resolved.order_id), resolved.data) == (
        "order resolved",
        "ada",
        somethings.parked,
        {"as": "refused"},
    )
    again = await ada.refused(f"{page}/resolve", 409, said="refused", why=WHY)
    assert "not parked" in again
    assert len(await ada.rows("SELECT FROM deeds WHERE action = 'order resolved'")) == 1


async def test_what_cannot_be_decided_is_refused_in_words_and_nothing_is_recorded(
    ada: Pages, somethings: Somethings
) -> None:
    page = f"/orders/{somethings.parked}/resolve"
    refused = await ada.refused(page, 409, said="refused", why=WHY)
    assert "another order of it is at the provider" in refused
    lacking = await ada.refused(page, 409, said="placed", why=WHY)
    assert "the provider&#39;s id of the order is needed" in lacking
    assert "--ref" not in lacking
    nameless = await ada.refused(page, 409, said="placed", why=WHY, ref="9876")
    assert "to ask where it stands: said-1." in nameless
    named = {"ref": "9876", "line:said-1": "l-1"}
    unknown = await ada.refused(page, 409, said="placed", why=WHY, **named)
    assert "without asking the provider" in unknown
    assert not await _deeds(ada)
    assert await ada.rows("SELECT state FROM orders WHERE state = 'parked'")


async def test_it_is_recorded_unchecked_with_the_ids_that_a_person_names(
    ada: Pages, somethings: Somethings
) -> None:
    fields = {"ref": "9876", "line:said-1": "l-1", "unchecked": "yes"}
    await ada.act(f"/orders/{somethings.parked}/resolve", said="placed", why=WHY, **fields)
    [order] = await ada.rows(
        "SELECT state, provider_ref FROM orders WHERE id = CAST(:id AS uuid)", id=somethings.parked
    )
    assert order == ("placed", "9876")


async def _give_back(pages: Pages, somethings: Somethings) -> None:
    told = await pages.follow(
        f"/orders/{somethings.parked}/resolve", said="returned", ref="said", why="given back"
    )
    assert "dealt with" in told


async def test_a_surplus_order_is_closed(ada: Pages, somethings: Somethings) -> None:
    await _give_back(ada, somethings)
    assert await ada.rows("SELECT decision, closed_by, why FROM surplus_orders") == [
        ("returned", "ada", "given back")
    ]
    assert [deed.action for deed in await _deeds(ada)] == ["surplus order closed"]


async def test_an_order_is_called_off(ada: Pages, somethings: Somethings) -> None:
    await ada.follow(f"/orders/{somethings.accepted}/cancel", why="changed their mind")
    [event] = await ada.rows("SELECT data FROM events WHERE type = 'order.cancel_asked'")
    assert event.data == {"by": "ada", "reason": "changed their mind"}
    [deed] = await _deeds(ada)
    assert (deed.action, deed.why) == ("order to be called off", "changed their mind")


async def test_an_account_is_paused_for_some_time_and_resumed(
    ada: Pages, somethings: Somethings
) -> None:
    del somethings
    page = "/accounts/hyperteknoloji/default"
    assert "paused" in await ada.follow(f"{page}/pause", why="maintenance", lasts="30m")
    [row] = await ada.rows("SELECT paused_by, paused_because, paused_until FROM accounts")
    assert row[:2] == ("ada", "maintenance")
    assert row.paused_until
    assert "takes orders" in await ada.follow(f"{page}/resume", why="over", breaker="yes")
    assert "nothing to resume" in await ada.follow(f"{page}/resume", why="over")
    assert [(deed.action, deed.about, deed.data) for deed in await _deeds(ada)] == [
        ("account paused", "hyperteknoloji/default", {"lasts": "30m"}),
        ("account resumed", "hyperteknoloji/default", {"breaker": True}),
    ]
    await ada.refused(f"{page}/pause", 422, why="x", lasts="for ever")
    await ada.refused("/accounts/hyperteknoloji/nobodys/pause", 404, why="x")


async def test_an_endpoint_is_disabled_enabled_and_what_it_missed_is_replayed(
    ada: Pages, somethings: Somethings
) -> None:
    del somethings
    meant = {"producer": "shop", "url": "https://shop.example/hooks"}
    assert "is disabled" in await ada.follow("/endpoint/disable", why="they move", **meant)
    assert "nothing was changed" in await ada.follow("/endpoint/disable", why="again", **meant)
    assert "is enabled" in await ada.follow("/endpoint/enable", why="they are back", **meant)
    assert "Due now" in await ada.follow("/endpoint/replay", why="their outage", **meant)
    await ada.refused("/endpoint/replay", 409, why="their outage", **meant)
    await ada.refused("/endpoint/replay", 404, why="x", producer="shop", url="https://shop")
    given_up = (await _deeds(ada))[-1].data["count"]
    assert [deed.action for deed in await _deeds(ada)] == [
        "endpoint disabled",
        "endpoint enabled",
        "notifications replayed",
    ]
    assert given_up > 0
    assert not await ada.rows("SELECT FROM notifications WHERE state = 'exhausted'")


async def test_a_notification_is_replayed(ada: Pages, somethings: Somethings) -> None:
    page = f"/notifications/{somethings.notification}"
    assert "Due now" in await ada.follow(f"{page}/replay", why="they lost it")
    [row] = await ada.rows("SELECT replays, state FROM notifications WHERE replays > 0")
    assert row == (1, "pending")
    [event] = await ada.rows("SELECT data FROM events WHERE type = 'notification.replayed'")
    assert (event.data["by"], event.data["reason"]) == ("ada", "they lost it")
    [deed] = await _deeds(ada)
    assert deed.about == f"evt_{somethings.notification.replace('-', '')}"


async def test_an_entry_is_taken_in_again_when_nothing_is_in_its_way(
    ada: Pages, somethings: Somethings, world: World
) -> None:
    page = f"/quarantine/{somethings.entry}"
    assert "still faulty" in await ada.follow(f"{page}/retry", why="tried")
    async with world.db.transaction(Boundary.QUARANTINE) as connection:
        [sealed] = (await connection.execute(text("SELECT sealed_entry FROM quarantine"))).scalars()
        said = world.vault.unseal(sealed).replace(b'"said": "said"', b'"priority": "normal"')
        await connection.execute(
            text("UPDATE quarantine SET sealed_entry = :sealed"), {"sealed": world.vault.seal(said)}
        )
    assert "Taken in again" in await ada.follow(f"{page}/retry", why="mended")
    assert await ada.rows("SELECT decision, closed_by, why FROM quarantine") == [
        ("replayed", "ada", "mended")
    ]
    assert [(deed.action, deed.data) for deed in await _deeds(ada)] == [
        ("quarantined entry taken in again", {"result": "faulty"}),
        ("quarantined entry taken in again", {"result": "accepted"}),
    ]
    await ada.refused(f"{page}/drop", 409, why="too late")


async def test_an_entry_is_dropped_once(ada: Pages, somethings: Somethings) -> None:
    page = f"/quarantine/{somethings.entry}"
    assert "Its producer is told" in await ada.follow(f"{page}/drop", why="a test")
    await ada.refused(f"{page}/drop", 409, why="a test")
    await ada.refused(f"{page}/retry", 409, why="a test")
    assert await ada.rows("SELECT decision, closed_by, why FROM quarantine") == [
        ("dropped", "ada", "a test")
    ]
    assert [deed.action for deed in await _deeds(ada)] == ["quarantined entry dropped"]


async def test_a_difference_is_closed_once(ada: Pages, somethings: Somethings) -> None:
    page = f"/books/{somethings.difference}"
    assert "find out who ordered" in await ada.look(page)
    assert "is closed" in await ada.follow(f"{page}/close", why="a test of ours")
    assert "nothing was changed" in await ada.follow(f"{page}/close", why="again")
    assert await ada.rows("SELECT closed_by, why FROM differences") == [("ada", "a test of ours")]
    assert [deed.about for deed in await _deeds(ada)] == [f"difference/{somethings.difference}"]


async def test_nothing_is_done_without_a_reason(ada: Pages, somethings: Somethings) -> None:
    for why in ("", "   ", "x" * 1001):
        await ada.refused(f"/orders/{somethings.accepted}/cancel", 422, why=why)
        await ada.refused(f"/orders/{somethings.parked}/resolve", 422, said="returned", why=why)
    assert not await _deeds(ada)


async def test_what_is_not_there_is_said_to_be_not_there(ada: Pages) -> None:
    nothing = "01a204c6-0000-7000-8000-00000000ffff"
    for page in ("orders", "quarantine", "notifications", "books"):
        await ada.look(f"/{page}/{nothing}", 404)
        await ada.look(f"/{page}/nonsense", 404)
    await ada.look("/accounts/gifthub/nobodys", 404)
    await ada.look("/endpoint?producer=shop&url=https://else.example", 404)
    for action in ("orders/{}/cancel", "orders/{}/reveal", "orders/{}/resolve"):
        await ada.refused(f"/{action.format(nothing)}", 404, why="x", said="placed")
    await ada.look("/nowhere", 404)
