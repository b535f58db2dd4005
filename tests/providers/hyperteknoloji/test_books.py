"""What a tenant's order list says, line by line."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given

from schemas.money import Money
from tests.providers.answers import patient, replies, reply
from tests.providers.hyperteknoloji.test_adapter import basket
from tests.providers.trial import Trial
from worker.books import BookEntry, BookPage
from worker.http import Reply
from worker.lifecycle import LineState
from worker.outcome import InDoubt, NotSent
from worker.providers.hyperteknoloji import books
from worker.providers.hyperteknoloji.wire import Pricing
from worker.providers.paging import MOST_REPEATS, Place
from worker.sandbox import Sandbox

REF: Final = "0123456789abcdef0123456789abcdef"
PLACED: Final = datetime(2026, 11, 22, 10, tzinfo=UTC)
PRICING: Final = Pricing("TRY", per_unit=True)
ROW: Final[dict[str, Any]] = {
    "OrderID": 9, "OrderDetailID": 55, "DeliverID": REF, "Quantity": 2, "Price": 19.9,
    "Status": 1, "CreateDate": PLACED.isoformat(),
}  # fmt: skip


def listed(*rows: Any) -> dict[str, Any]:
    return {"data": {"items": list(rows)}, "success": True}


def read(*rows: Any, place: Place | None = None, pricing: Pricing = PRICING) -> BookPage | Any:
    since = PLACED - timedelta(days=1)
    return books.read_page(reply(200, listed(*rows)), place or Place(), since, pricing)


def test_a_row_is_an_entry() -> None:
    (entry,) = read(ROW).entries
    assert entry == BookEntry(
        provider_ref="9",
        provider_line_ref="55",
        ref=REF,
        state=LineState.DELIVERED,
        said="1",
        price=Money(Decimal("39.8"), "TRY"),
        placed_at=PLACED,
    )


@pytest.mark.parametrize(
    ("status", "state", "said"),
    [
        (0, LineState.CANCELLED, "0"),
        (1, LineState.DELIVERED, "1"),
        (2, LineState.ACCEPTED, "2"),
        (3, LineState.ACCEPTED, "3"),
        (9, None, "9"),
        ("1", None, "1"),
        (True, None, ""),
        (None, None, ""),
    ],
)
def test_a_status_means_what_it_means_in_the_detail(
    status: Any, state: LineState | None, said: str
) -> None:
    (entry,) = read(ROW | {"Status": status}).entries
    assert (entry.state, entry.said) == (state, said)


@pytest.mark.parametrize(
    ("quantity", "per_unit", "total"),
    [(2, True, "39.8"), (2, False, "19.9"), (None, True, None), (None, False, "19.9")],
)
def test_a_price_is_the_lines_total_where_it_can_be_told(
    quantity: int | None, total: str | None, *, per_unit: bool
) -> None:
    (entry,) = read(ROW | {"Quantity": quantity}, pricing=Pricing("EUR", per_unit)).entries
    assert entry.price == (None if total is None else Money(Decimal(total), "EUR"))


def test_another_callers_name_is_no_reference_of_ours() -> None:
    entries = read(ROW | {"DeliverID": "shop-1"}, ROW | {"DeliverID": None}).entries
    assert [one.ref for one in entries] == [None, None]


def test_a_row_without_an_order_is_no_entry_and_a_list_of_such_is_no_list() -> None:
    nameless = {name: value for name, value in ROW.items() if name != "OrderID"}
    assert len(read(nameless, ROW).entries) == 1
    doubt = read(nameless, nameless)
    assert isinstance(doubt, InDoubt)
    assert doubt.reason == "the order list carries no OrderID"


def test_an_order_may_hold_its_lines() -> None:
    nested = {"OrderID": 9, "CreateDate": PLACED.isoformat(), "details": [ROW, ROW]}
    assert [one.provider_ref for one in read(nested).entries] == ["9", "9"]


def test_a_page_that_is_not_full_is_not_the_end_but_an_empty_one_is() -> None:
    assert read(ROW).next_page
    assert read() == BookPage((), evidence=read().evidence)


def test_a_list_that_does_not_move_on_is_doubt_in_the_end() -> None:
    place, pages = Place(), 0
    while isinstance(page := read(ROW, place=place), BookPage):
        pages, place = pages + 1, Place.kept(page.next_page)
    assert isinstance(page, InDoubt)
    assert pages == MOST_REPEATS


def test_prose_is_not_kept_of_an_answer_about_everybody() -> None:
    failed = reply(500, {"success": False, "message": "Zübeyde is not known", "errorCode": "E7"})
    doubt = books.read_page(failed, Place(), PLACED, PRICING)
    assert isinstance(doubt, InDoubt)
    assert doubt.evidence.body
    assert "E7" in doubt.evidence.body
    assert "beyde" not in doubt.evidence.body


@patient
@given(replies(listed(ROW, ROW | {"OrderID": 8})))
def test_any_answer_is_a_page_or_none(answer: Reply) -> None:
    page = books.read_page(answer, Place(), PLACED, PRICING)
    assert isinstance(page, BookPage | NotSent | InDoubt)
    if isinstance(page, BookPage):
        assert answer.status == 200
        assert all(one.provider_ref for one in page.entries)


async def test_what_other_hands_changed_is_read(sandbox: Sandbox) -> None:
    async with Trial(sandbox, "hyperteknoloji") as trial:
        order = await trial.bought(basket(1, 1))
        ref = order.lines[0].line_ref
        sandbox.tamper("hyperteknoloji", "status", ref=ref, to=0)
        sandbox.tamper("hyperteknoloji", "price", order_id=order.provider_ref, to="30.50")
        page = await trial.read("", PLACED, None)
    assert isinstance(page, BookPage)
    told = {one.ref: (one.state, one.price, one.provider_line_ref) for one in page.entries}
    total, lines = Money(Decimal("61.0"), "TRY"), [line.provider_line_ref for line in order.lines]
    assert told == {
        ref: (LineState.CANCELLED, total, lines[0]),
        order.lines[1].line_ref: (LineState.DELIVERED, total, lines[1]),
    }
