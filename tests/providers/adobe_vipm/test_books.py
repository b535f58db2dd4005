"""What Adobe's list of a customer's orders says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qs

import pytest
from hypothesis import given

from schemas.money import Money
from tests.providers.adobe_vipm.licences import CUSTOMER_ID, licences
from tests.providers.answers import patient, replies, reply
from tests.providers.conftest import Recorder
from tests.providers.trial import Trial, ample
from worker.books import BookEntry, BookPage
from worker.http import Channel, Reply
from worker.lifecycle import LineState, Step
from worker.outcome import InDoubt, NotSent, RefusalCode, Refused
from worker.providers import REGISTRY
from worker.providers.adobe_vipm import books

REF: Final = "0123456789abcdef0123456789abcdef"
MADE: Final = datetime(2026, 11, 22, 10, tzinfo=UTC)
ORDER: Final[dict[str, Any]] = {
    "orderId": "5120008001", "orderType": "NEW", "externalReferenceId": REF, "status": "1000",
    "creationDate": "2026-11-22T10:00:00Z", "referenceOrderId": "",
}  # fmt: skip


def listed(*orders: Any, total: int | None = None) -> dict[str, Any]:
    return {"totalCount": len(orders) if total is None else total, "items": list(orders)}


def read(*orders: Any, total: int | None = None, offset: int = 0) -> BookPage | Any:
    return books.read_page(reply(200, listed(*orders, total=total)), offset)


def failed(status: int, code: str) -> Reply:
    return reply(status, {"code": code, "message": "no", "additionalDetails": []})


def test_an_order_is_an_entry() -> None:
    assert read(ORDER).entries == (
        BookEntry(
            provider_ref="5120008001",
            ref=REF,
            state=LineState.DELIVERED,
            said="1000",
            placed_at=MADE,
        ),
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("1000", LineState.DELIVERED),
        ("1002", LineState.ACCEPTED),
        ("1004", LineState.FAILED),
        ("1008", LineState.CANCELLED),
        ("1026", LineState.FAILED),
        ("1099", None),
        (1000, None),
    ],
)
def test_every_status_has_its_meaning(status: Any, state: LineState | None) -> None:
    assert read(ORDER | {"status": status}).entries[0].state is state


def test_a_return_says_which_order_it_gives_back_and_nothing_else_does() -> None:
    given_back = {"referenceOrderId": "5120008000"}
    returned, switched = ORDER | given_back | {"orderType": "RETURN"}, ORDER | given_back
    entries = read(returned, switched | {"orderType": "SWITCH"}).entries
    assert [one.gives_back for one in entries] == ["5120008000", None]


def test_a_price_is_told_where_the_list_shows_one() -> None:
    summary = [{"totalLineItemPartnerPrice": 49.31, "currencyCode": "USD"}]
    (entry,) = read(ORDER | {"pricingSummary": summary}).entries
    assert entry.price == Money(Decimal("49.31"), "USD")


@pytest.mark.parametrize("reference", ["", "PO 4711", None])
def test_another_callers_order_bears_no_reference(reference: Any) -> None:
    assert read(ORDER | {"externalReferenceId": reference}).entries[0].ref is None


def test_the_next_page_begins_after_what_was_read() -> None:
    assert read(ORDER, total=3).next_page == "1"
    assert read(ORDER, total=3, offset=2).next_page is None
    assert isinstance(read(total=3, offset=2), InDoubt)


def test_beyond_the_end_there_is_nothing_more() -> None:
    assert books.read_page(failed(400, "1133"), 300) == BookPage(
        (), evidence=books.read_page(failed(400, "1133"), 0).evidence
    )


@pytest.mark.parametrize(
    ("answer", "made_of_it"),
    [
        (failed(404, "1116"), Refused),
        (failed(404, "1115"), Refused),
        (failed(400, "1132"), InDoubt),
        (failed(403, "4115"), InDoubt),
        (reply(404, {"error_code": "404000", "message": "Not found"}), InDoubt),
        (reply(404, "<html>"), InDoubt),
        (failed(401, "4116"), NotSent),
        (failed(429, "4118"), NotSent),
    ],
)
def test_a_customer_that_adobe_does_not_know_can_never_be_read(
    answer: Reply, made_of_it: type
) -> None:
    page = books.read_page(answer, 0)
    assert type(page) is made_of_it
    if isinstance(page, Refused):
        assert page.code is RefusalCode.FORBIDDEN


@patient
@given(replies(listed(ORDER, ORDER | {"orderType": "RETURN", "referenceOrderId": "7"}, total=9)))
def test_any_answer_is_a_page_or_none(answer: Reply) -> None:
    page = books.read_page(answer, 0)
    assert isinstance(page, BookPage | Refused | NotSent | InDoubt)


async def test_it_is_asked_from_a_little_before_the_moment_on(
    adobe: Trial, recorder: Recorder
) -> None:
    """By default the list begins with the customer's term."""
    recorder.answer = b'{"totalCount": 0, "items": []}'
    async with Channel(recorder.url) as channel:
        one = REGISTRY["adobe_vipm"](adobe.account, channel)
        since = MADE + timedelta(minutes=10)
        page = await one.read_books(CUSTOMER_ID, since, "100", ample(), "token")
    assert isinstance(page, BookPage)
    assert recorder.queries == [
        {"start-date": "2026-11-22T10:00:00Z", "limit": "100", "offset": "100"}
    ]
    assert parse_qs(books.page_query(MADE, 0))["start-date"] == ["2026-11-22T09:50:00Z"]


async def test_an_order_and_what_gave_it_back_are_two_entries(adobe: Trial) -> None:
    order = await adobe.ready_for(Step.CANCEL, licences("sandbox-ok"))
    await adobe.call(Step.CANCEL, order)
    shelf = adobe.adapter.shelf(order)
    assert shelf == CUSTOMER_ID
    page = await adobe.read(shelf, MADE - timedelta(days=9999), None)
    assert isinstance(page, BookPage)
    returned, whole = page.entries
    assert {returned.ref, whole.ref} == {order.order_id.hex}
    assert (whole.provider_ref, whole.state) == (order.provider_ref, LineState.CANCELLED)
    assert (returned.gives_back, returned.state) == (order.provider_ref, LineState.DELIVERED)
    assert whole.gives_back is None
