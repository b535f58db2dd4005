"""What Threekit's list of one shop order says."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given

from tests.providers.answers import patient, replies, reply
from tests.providers.threekit.test_adapter import SENT, SHELF, recording
from tests.providers.trial import Trial
from worker.books import BookEntry, BookPage
from worker.http import Reply
from worker.lifecycle import LineState
from worker.outcome import InDoubt, NotSent
from worker.providers.paging import MOST_REPEATS, Place
from worker.providers.threekit import books
from worker.sandbox import Sandbox

KEY: Final = "0123456789abcdef0123456789abcdef"
MADE: Final = datetime(2026, 11, 22, 10, tzinfo=UTC)
ENTRY: Final[dict[str, Any]] = {
    "id": "one", "platform": SENT, "metadata": {"clientOrderKey": KEY}, "status": "New",
    "createdAt": "2026-11-22T10:00:00.000Z",
}  # fmt: skip


def read(document: Any, place: Place | None = None, **how: Any) -> BookPage | Any:
    usual = {"until_complete": False} | how
    since = MADE - timedelta(days=1)
    return books.read_page(reply(200, document), SHELF, place or Place(), since, **usual)


def test_an_order_is_an_entry() -> None:
    (entry,) = read([ENTRY]).entries
    assert entry == BookEntry(
        provider_ref="one", ref=KEY, state=LineState.DELIVERED, said="New", placed_at=MADE
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Complete", LineState.DELIVERED),
        ("New", LineState.ACCEPTED),
        ("In Progress", LineState.ACCEPTED),
        ("List", LineState.ACCEPTED),
        ("Lost", None),
        (None, None),
    ],
)
def test_where_it_stands_is_its_status_only_where_that_is_waited_for(
    status: Any, state: LineState | None
) -> None:
    (entry,) = read([ENTRY | {"status": status}], until_complete=True).entries
    assert entry.state is state
    (entry,) = read([ENTRY | {"status": status}]).entries
    assert entry.state is LineState.DELIVERED


@pytest.mark.parametrize("metadata", [None, {}, {"clientOrderKey": "theirs"}, "x"])
def test_an_order_of_the_shop_that_others_recorded_bears_no_reference(metadata: Any) -> None:
    (entry,) = read([ENTRY | {"metadata": metadata}]).entries
    assert entry.ref is None


def test_another_shop_orders_entry_is_left_out_unless_it_is_ours() -> None:
    other = {"platform": {"id": "1"}}
    read_page = read([ENTRY | other, ENTRY | other | {"metadata": {}}])
    assert [one.ref for one in read_page.entries] == [KEY]


def test_a_page_that_is_not_full_is_the_end_unless_more_are_counted() -> None:
    page = {"orders": [ENTRY], "count": 1, "page": 1, "perPage": 100}
    assert read(page).next_page is None
    doubt = read(page | {"count": 2})
    assert isinstance(doubt, InDoubt)
    assert doubt.reason == "the order list holds fewer orders than it counts"


def test_a_list_without_pages_is_read_once_more_and_ends() -> None:
    first = read([ENTRY])
    assert first.next_page
    second = read([ENTRY], Place.kept(first.next_page))
    assert second.next_page is None
    assert read([]).next_page is None


def test_a_list_that_ends_nowhere_is_not_read_for_ever() -> None:
    place, pages = Place(), 0
    while True:
        full = {"orders": [ENTRY], "page": place.number, "perPage": 1, "count": 9}
        page = read(full, place)
        if not isinstance(page, BookPage) or page.next_page is None:
            break
        pages, place = pages + 1, Place.kept(page.next_page)
    assert isinstance(page, InDoubt)
    assert pages == MOST_REPEATS


def test_pages_may_be_numbered_from_nought() -> None:
    page = read({"orders": [ENTRY], "page": 0, "perPage": 1, "count": 2})
    assert Place.kept(page.next_page).number == 1


@patient
@given(replies({"orders": [ENTRY, ENTRY | {"id": "two"}], "count": 2, "page": 1, "perPage": 2}))
def test_any_answer_is_a_page_or_none(answer: Reply) -> None:
    page = books.read_page(answer, SHELF, Place(), MADE, until_complete=True)
    assert isinstance(page, BookPage | NotSent | InDoubt)
    assert not isinstance(page, BookPage) or answer.status == 200


async def test_a_shelf_is_read_for_its_own_shop_order_only(sandbox: Sandbox) -> None:
    async with Trial(sandbox, "threekit", done_when="complete") as trial:
        order = await trial.bought(recording("sandbox-ok"))
        await trial.bought(recording("sandbox-ok", platform={"id": "8", "platform": "ourshop",
                                                             "store_name": "main"}))  # fmt: skip
        sandbox.tamper("threekit", "status", ref=order.order_id.hex, to="Complete")
        shelf = trial.adapter.shelf(order)
        assert shelf == SHELF
        page = await trial.read(shelf, MADE, None)
    assert isinstance(page, BookPage)
    (entry,) = page.entries
    assert (entry.provider_ref, entry.ref) == (order.provider_ref, order.order_id.hex)
    assert (entry.state, entry.said) == (LineState.DELIVERED, "Complete")
