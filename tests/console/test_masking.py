"""What is personal is hidden until somebody asks, and that is on record before it is shown."""

from tests.console.conftest import CODE, PLAYER, Pages, Somethings

WHY = "the customer asks which player got it"


async def test_an_orders_personal_data_is_shown_once_and_that_is_recorded(
    ada: Pages, somethings: Somethings
) -> None:
    page = f"/orders/{somethings.parked}"
    assert PLAYER not in await ada.look(page)
    assert PLAYER in await ada.refused(f"{page}/reveal", 200, why=WHY)
    assert PLAYER not in await ada.look(page)
    [deed] = await ada.rows("SELECT * FROM deeds WHERE action = 'personal data shown'")
    assert (deed.by, deed.via, str(deed.order_id), deed.why) == (
        "ada",
        "console",
        somethings.parked,
        WHY,
    )
    assert WHY in await ada.look("/audit")


async def test_delivered_codes_are_shown_once_and_that_is_recorded(
    ada: Pages, somethings: Somethings
) -> None:
    page = f"/notifications/{(await _with_goods(ada))}"
    assert CODE not in await ada.look(page)
    assert CODE not in await ada.look(f"/orders/{somethings.delivered}")
    assert CODE in await ada.refused(f"{page}/reveal", 200, why=WHY)
    assert CODE not in await ada.look(page)
    [deed] = await ada.rows("SELECT * FROM deeds WHERE action = 'personal data shown'")
    assert str(deed.order_id) == somethings.delivered
    assert deed.about.startswith("evt_")


async def test_what_an_entry_says_is_shown_once_and_that_is_recorded(
    ada: Pages, somethings: Somethings
) -> None:
    page = f"/quarantine/{somethings.entry}"
    assert "customer_store_product_id" not in await ada.look(page)
    assert "customer_store_product_id" in await ada.refused(f"{page}/reveal", 200, why=WHY)
    [deed] = await ada.rows("SELECT * FROM deeds WHERE action = 'personal data shown'")
    assert deed.about == f"quarantine/{somethings.entry}"


async def test_nothing_is_shown_without_a_reason_or_to_who_may_only_look(
    ada: Pages, vera: Pages, somethings: Somethings
) -> None:
    page = f"/orders/{somethings.parked}/reveal"
    assert PLAYER not in await ada.refused(page, 422, why="  ")
    assert PLAYER not in await vera.refused(page, 403, why=WHY)
    assert not await ada.rows("SELECT FROM deeds WHERE action = 'personal data shown'")


async def _with_goods(pages: Pages) -> str:
    [row] = await pages.rows("SELECT id FROM events WHERE sealed_goods IS NOT NULL")
    return str(row.id)
