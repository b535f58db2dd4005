"""Finding our lines in an order list whose shape nobody documented."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.money import Money
from tests.providers.answers import patient, replies, reply
from tests.providers.hyperteknoloji.test_adapter import basket
from worker.http import Reply
from worker.outcome import Absent, Confirmed, InDoubt
from worker.providers.hyperteknoloji import listing
from worker.providers.hyperteknoloji.wire import Pricing

ORDER: Final = basket(1, 2)
REFS: Final = [line.line_ref for line in ORDER.lines]
PRICING: Final = Pricing("TRY", per_unit=True)
OPENED: Final = datetime(2026, 11, 22, 10, tzinfo=UTC)


def row(ref: str | None, placed_at: datetime, order_id: int = 9) -> dict[str, Any]:
    return {"OrderID": order_id, "OrderDetailID": 1, "DeliverID": ref,
            "CreateDate": placed_at.isoformat()}  # fmt: skip


def listed(*rows: Any) -> dict[str, Any]:
    return {"data": {"items": list(rows)}, "success": True}


def rows(*entries: Any) -> list[listing.Row]:
    page = listing.read_page(reply(200, listed(*entries)), ORDER)
    assert isinstance(page, list)
    return page


@patient
@given(st.lists(replies(listed(*(row(ref, OPENED) for ref in REFS))), max_size=3))
def test_any_pages_of_the_list_are_survived_and_only_all_lines_are_yes(
    answers: list[Reply],
) -> None:
    pages = [listing.read_page(answer, ORDER) for answer in answers]
    read = [row for page in pages if isinstance(page, list) for row in page]
    listing.reaches_back(read, OPENED)
    finding = listing.finding(read, ORDER, PRICING)
    assert isinstance(finding, Confirmed | InDoubt | Absent)
    assert isinstance(finding, Confirmed) <= listing.all_found(read, ORDER)


def test_an_order_may_hold_its_lines_in_the_list() -> None:
    lines = [{"DeliverID": ref, "OrderDetailID": n} for n, ref in enumerate(REFS, 1)]
    nested = {"OrderID": 9, "CreateDate": OPENED.isoformat(), "details": lines}
    read = rows(nested)
    assert [one.placed_at for one in read] == [OPENED] * 2
    finding = listing.finding(read, ORDER, PRICING)
    assert isinstance(finding, Confirmed)
    assert finding.provider_ref == "9"


def test_a_list_without_deliver_ids_proves_nothing() -> None:
    assert isinstance(listing.finding(rows(row(None, OPENED)), ORDER, PRICING), InDoubt)
    assert isinstance(listing.finding(rows(), ORDER, PRICING), Absent)


@pytest.mark.parametrize(
    ("ages", "enough"),
    [
        ([timedelta(0), timedelta(hours=2)], True),
        ([timedelta(0), timedelta(minutes=59)], False),
        ([timedelta(hours=3), timedelta(hours=2)], False),
        ([], False),
    ],
    ids=["older than the margin", "within the margin", "oldest first", "empty"],
)
def test_the_list_ends_where_it_is_surely_older_than_the_call(
    ages: list[timedelta], *, enough: bool
) -> None:
    page = rows(*(row("other", OPENED - age) for age in ages))
    assert listing.reaches_back(page, OPENED) is enough


def test_a_list_whose_times_cannot_be_read_is_read_to_its_end() -> None:
    untimed = {"OrderID": 9, "OrderDetailID": 1, "DeliverID": "other"}
    assert not listing.reaches_back(rows(untimed), OPENED)


def test_a_look_up_tells_the_price_of_what_it_found() -> None:
    read = rows(*(row(ref, OPENED) | {"Price": 19.9} for ref in REFS))
    found = listing.finding(read, ORDER, PRICING)
    assert isinstance(found, Confirmed)
    assert [line.price for line in found.lines] == [Money(Decimal("39.8"), "TRY")] * 2
    assert found.total == Money(Decimal("79.6"), "TRY")


def test_a_listed_order_without_its_prices_is_found_all_the_same() -> None:
    read = rows(row(REFS[0], OPENED) | {"Price": 19.9}, row(REFS[1], OPENED))
    found = listing.finding(read, ORDER, PRICING)
    assert isinstance(found, Confirmed)
    assert found.lines[1].price is None
    assert found.total is None


def test_a_basket_that_is_listed_more_than_once_was_bought_more_than_once() -> None:
    newer = [row(ref, OPENED, 11) for ref in REFS]
    half = [row(REFS[0], OPENED, 10)]
    older = [row(ref, OPENED, 9) for ref in REFS]
    found = listing.finding(rows(*newer, *half, *older), ORDER, PRICING)
    assert isinstance(found, Confirmed)
    assert (found.provider_ref, found.surplus) == ("9", ("11", "10"))


def test_two_halves_of_two_orders_are_no_order() -> None:
    read = rows(row(REFS[0], OPENED, 9), row(REFS[1], OPENED, 10))
    found = listing.finding(read, ORDER, PRICING)
    assert isinstance(found, InDoubt)
    assert found.reason == "the listed lines are not of one order"
