"""What Gifthub says of one order, as a shelf of its books."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given

from schemas.money import Money
from tests.providers.answers import patient, replies, reply
from tests.providers.gifthub.test_adapter import cards
from tests.providers.trial import Trial, after
from worker.books import BookEntry, BookPage
from worker.http import Reply
from worker.lifecycle import LineState, Step
from worker.outcome import InDoubt, NotSent
from worker.providers.gifthub import books
from worker.sandbox import Sandbox

SHELF: Final = "abc"
REF: Final = "0123456789abcdef0123456789abcdef"
ORDER: Final[dict[str, Any]] = {
    "uid": SHELF,
    "state": "successful",
    "invoice": {"total": 12.5, "wallet": "EUR", "records": []},
    "createdDate": {"_seconds": 1_795_341_600, "_nanoseconds": 0},
}


def read(**changed: Any) -> BookPage | Any:
    return books.read_shelf(reply(200, {"data": ORDER | changed}), SHELF, "pending")


def test_an_order_is_the_one_entry_of_its_shelf() -> None:
    assert read().entries == (
        BookEntry(
            provider_ref=SHELF,
            ref=None,
            state=LineState.DELIVERED,
            said="successful",
            price=Money(Decimal("12.5"), "EUR"),
            placed_at=datetime.fromtimestamp(1_795_341_600, UTC),
        ),
    )
    assert read().next_page is None


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("pending", LineState.QUOTED),
        ("confirmed", LineState.ACCEPTED),
        ("partial", LineState.PARTIALLY_DELIVERED),
        ("successful", LineState.DELIVERED),
        ("failed", LineState.FAILED),
        ("rejected", LineState.FAILED),
        ("expired", LineState.EXPIRED),
        ("reviewing", None),
    ],
)
def test_every_state_has_its_meaning(said: str, state: LineState | None) -> None:
    (entry,) = read(state=said).entries
    assert (entry.state, entry.said) == (state, said)


def test_what_an_unconfirmed_order_is_called_is_a_setting() -> None:
    page = books.read_shelf(reply(200, {"data": ORDER | {"state": "new"}}), SHELF, "new")
    assert isinstance(page, BookPage)
    assert page.entries[0].state is LineState.QUOTED


@pytest.mark.parametrize(
    "invoice", ["12.50", None, {"total": 12.5}, {"total": "?", "wallet": "EUR"}]
)
def test_a_price_that_names_no_wallet_is_none(invoice: Any) -> None:
    assert read(invoice=invoice).entries[0].price is None


def test_a_reference_is_told_where_the_answer_repeats_it() -> None:
    assert read(reference=REF).entries[0].ref == REF


def test_another_order_than_was_asked_for_is_no_answer() -> None:
    assert isinstance(read(uid="other"), InDoubt)


@pytest.mark.parametrize(
    ("status", "body", "made_of_it"),
    [
        (404, {"message": "Order not found"}, BookPage),
        (404, {"message": "Order not found", "data": {}}, InDoubt),
        (404, "<html>", InDoubt),
        (403, {"message": "Invalid credentials"}, InDoubt),
        (429, {"message": "Slow down"}, NotSent),
        (500, {"message": "Server"}, InDoubt),
    ],
)
def test_an_order_that_is_not_there_is_an_empty_shelf_and_nothing_else_is(
    status: int, body: Any, made_of_it: type
) -> None:
    page = books.read_shelf(reply(status, body), SHELF, "pending")
    assert type(page) is made_of_it
    assert not isinstance(page, BookPage) or page.entries == ()


@patient
@given(replies({"message": "No Message", "data": ORDER}))
def test_any_answer_is_a_page_or_none(answer: Reply) -> None:
    page = books.read_shelf(answer, SHELF, "pending")
    assert isinstance(page, BookPage | NotSent | InDoubt)
    if isinstance(page, BookPage):
        assert bool(page.entries) is (answer.status == 200)


async def test_an_order_is_read_from_its_quote_on(sandbox: Sandbox) -> None:
    async with Trial(sandbox, "gifthub") as trial:
        order = cards("sandbox-ok-fixed")
        assert trial.adapter.shelf(order) is None
        order = after(order, await trial.sure(Step.PLACE, order))
        shelf = trial.adapter.shelf(order) or ""
        assert shelf == order.provider_ref
        told = []
        for change, to in ((None, None), ("status", "partial"), ("price", "30")):
            if change is not None:
                sandbox.tamper("gifthub", change, order_id=shelf, to=to)
            page = await trial.read(shelf, datetime.now(UTC), None)
            assert isinstance(page, BookPage)
            told.append((page.entries[0].state, page.entries[0].price))
    assert told == [
        (LineState.QUOTED, Money(Decimal("20.0"), "EUR")),
        (LineState.PARTIALLY_DELIVERED, Money(Decimal("20.0"), "EUR")),
        (LineState.PARTIALLY_DELIVERED, Money(Decimal("60.0"), "EUR")),
    ]
