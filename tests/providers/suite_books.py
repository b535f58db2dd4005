"""The contract, where the provider's own books are read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.providers.applying import (
    applies,
    keeps_a_list,
    keeps_shelves,
    needs_a_token,
    reads_books,
    refuses_a_shelf,
)
from tests.providers.conftest import PACE, RemoteClock
from tests.providers.suite_base import BREAKING, HARMLESS, THROTTLED, Contract
from tests.providers.trial import Trial
from worker.books import BookEntry, BookPage
from worker.http import Deadline
from worker.outcome import InDoubt, NotSent, Refused
from worker.sandbox import Fault, Outage

MANY = 230
"""More orders than two pages hold."""
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class BookStories(Contract):
    """What the books say is what is there, each order at least once and none left out."""

    @applies(reads_books)
    async def test_what_was_bought_is_in_the_books_under_our_reference(self, trial: Trial) -> None:
        order = await trial.bought(self.plain())
        entries = await _whole(trial, trial.adapter.shelf(order) or "")
        rows = trial.sandbox.books.rows(self.provider)
        assert {one.provider_ref for one in entries} == {row.order_id for row in rows}
        assert {one.provider_ref for one in entries} == {order.provider_ref}
        ours = {order.order_id.hex, *(line.line_ref for line in order.lines)}
        assert {one.ref for one in entries} <= (ours if self.books_bear_refs else {None})
        assert {one.state for one in entries} == {self.books_state}
        assert all(one.said and one.placed_at for one in entries)

    @applies(keeps_shelves)
    async def test_a_shelf_is_known_once_the_order_is_placed(self, trial: Trial) -> None:
        order = await trial.bought(self.plain())
        assert trial.adapter.shelf(order)
        assert trial.adapter.shelf(order) == trial.adapter.shelf(order)

    @applies(keeps_a_list)
    async def test_many_pages_are_read_to_their_end_and_nothing_is_missed(
        self, trial: Trial
    ) -> None:
        made = self._strangers(trial, MANY)
        entries = await _whole(trial, self.listed_shelf)
        assert [one.provider_ref for one in entries] == made[::-1]
        assert {one.ref for one in entries} == {None}
        assert trial.sandbox.hits(self.provider, self.books_read) <= MANY // 100 + 2

    @applies(keeps_a_list)
    async def test_reading_goes_on_from_a_page_that_was_kept(self, trial: Trial) -> None:
        """By another process, while orders are added, and twice: none is missed for that."""
        made = set(self._strangers(trial, MANY))
        first = await trial.read(self.listed_shelf, LONG_AGO, None)
        assert isinstance(first, BookPage)
        assert first.next_page
        self._strangers(trial, 30)
        await trial.reconnect()
        for _ in range(2):
            rest = await _whole(trial, self.listed_shelf, page=first.next_page)
            assert made <= {one.provider_ref for one in (*first.entries, *rest)}

    @applies(keeps_a_list)
    async def test_a_whole_page_of_new_orders_between_two_pages_ends_nothing(
        self, trial: Trial
    ) -> None:
        made = set(self._strangers(trial, 150))
        first = await trial.read(self.listed_shelf, LONG_AGO, None)
        assert isinstance(first, BookPage)
        self._strangers(trial, 100)
        rest = await _whole(trial, self.listed_shelf, page=first.next_page)
        assert made <= {one.provider_ref for one in (*first.entries, *rest)}

    @applies(keeps_a_list)
    async def test_what_is_older_than_asked_for_is_not_read(
        self, trial: Trial, remote_clock: RemoteClock
    ) -> None:
        old = set(self._strangers(trial, MANY))
        remote_clock.pass_paces(timedelta(days=2) / PACE)
        await _renewed(trial)
        since = remote_clock() - timedelta(hours=1)
        new = set(self._strangers(trial, 5))
        entries = await _whole(trial, self.listed_shelf, since)
        read = {one.provider_ref for one in entries}
        assert new <= read
        assert read != new | old
        assert trial.sandbox.hits(self.provider, self.books_read) == 1

    @applies(reads_books)
    async def test_an_order_that_is_gone_is_in_the_books_no_more(self, trial: Trial) -> None:
        order = await trial.bought(self.plain())
        trial.sandbox.tamper(self.provider, "remove", order_id=order.provider_ref)
        assert await _whole(trial, trial.adapter.shelf(order) or "") == []

    @applies(reads_books)
    async def test_a_word_that_nobody_documented_is_told_as_it_is(self, trial: Trial) -> None:
        order = await trial.bought(self.plain())
        trial.sandbox.tamper(self.provider, "status", order_id=order.provider_ref, to=4711)
        entries = await _whole(trial, trial.adapter.shelf(order) or "")
        assert {one.said for one in entries} == {"4711"}
        assert {one.state for one in entries} == {self.books_unknown}

    @applies(keeps_a_list)
    async def test_a_surplus_order_bears_our_reference_too(self, trial: Trial) -> None:
        order = await trial.bought(self.plain())
        (twin,) = trial.sandbox.tamper(self.provider, "copy", order_id=order.provider_ref)
        entries = await _whole(trial, trial.adapter.shelf(order) or "")
        refs = {one.provider_ref: one.ref for one in entries}
        assert refs.keys() == {order.provider_ref, twin}
        assert None not in refs.values()

    @applies(reads_books)
    @pytest.mark.parametrize("fault", BREAKING)
    async def test_books_that_cannot_be_read_say_nothing(self, trial: Trial, fault: Fault) -> None:
        order = await trial.bought(self.plain())
        trial.sandbox.script(self.provider, self.books_read, [fault])
        shelf = trial.adapter.shelf(order) or ""
        page = await trial.read(shelf, LONG_AGO, None, self._deadline(fault))
        if fault in self.books_emptied:
            assert isinstance(page, BookPage)
            assert not page.entries
            return
        expected = NotSent if fault in THROTTLED | self.books_turned_away else InDoubt
        assert type(page) is expected
        if isinstance(page, NotSent) and fault in THROTTLED:
            assert page.retry_after is not None
            assert timedelta() <= page.retry_after <= timedelta(seconds=1)
        assert trial.sandbox.hits(self.provider, self.books_read) == 1

    @applies(reads_books)
    @pytest.mark.parametrize("fault", sorted(HARMLESS))
    async def test_books_that_come_slowly_are_read(self, trial: Trial, fault: Fault) -> None:
        order = await trial.bought(self.plain())
        trial.sandbox.script(self.provider, self.books_read, [fault])
        page = await trial.read(trial.adapter.shelf(order) or "", LONG_AGO, None)
        assert isinstance(page, BookPage)
        assert page.entries

    @applies(reads_books)
    async def test_nothing_is_asked_without_a_connection_or_in_time(self, trial: Trial) -> None:
        order = await trial.bought(self.plain())
        shelf = trial.adapter.shelf(order) or ""
        passed = Deadline.after(start=-1, total=30)
        assert isinstance(await trial.read(shelf, LONG_AGO, None, passed), NotSent)
        await trial.reconnect()
        await trial.sandbox.outage(self.provider, Outage.REFUSE)
        assert isinstance(await trial.read(shelf, LONG_AGO, None), NotSent)
        assert trial.sandbox.hits(self.provider, self.books_read) == 0

    @applies(reads_books)
    @applies(needs_a_token)
    async def test_a_token_that_died_is_renewed_and_the_same_page_read(self, trial: Trial) -> None:
        order = await trial.bought(self.plain())
        shelf = trial.adapter.shelf(order) or ""
        trial.sandbox.script(self.provider, self.books_read, [Fault.UNAUTHORIZED_401])
        rejected = await trial.read(shelf, LONG_AGO, None)
        assert isinstance(rejected, NotSent)
        assert rejected.token_rejected
        await trial.log_in()
        assert isinstance(await trial.read(shelf, LONG_AGO, None), BookPage)
        trial.token = None
        unsent = await trial.read(shelf, LONG_AGO, None)
        assert isinstance(unsent, NotSent)
        assert unsent.token_rejected
        assert trial.sandbox.hits(self.provider, self.books_read) == 2

    @applies(refuses_a_shelf)
    async def test_a_shelf_that_is_not_there_is_refused(self, trial: Trial) -> None:
        assert self.no_shelf
        refused = await trial.read(self.no_shelf, LONG_AGO, None)
        assert isinstance(refused, Refused)
        assert refused.reason
        assert trial.sandbox.hits(self.provider, self.books_read) == 1

    @property
    def books_read(self) -> str:
        """The sandbox operation by which books are read, which is that of a look-up."""
        assert self.reads[0]
        return self.reads[0]

    @property
    def listed_shelf(self) -> str:
        """A shelf with a list."""
        assert self.books_shelf is not None
        return self.books_shelf

    def _strangers(self, trial: Trial, count: int) -> list[str]:
        """Orders that are none of ours, on the usual shelf; their ids, oldest first."""
        shelf = self.listed_shelf or None
        made = [trial.sandbox.tamper(self.provider, "add", shelf=shelf) for _ in range(count)]
        return [order_id for one in made for order_id in one]


async def _renewed(trial: Trial) -> None:
    if trial.adapter.capabilities.needs_token:
        await trial.log_in()


async def _pages(
    trial: Trial, shelf: str, since: datetime, page: str | None
) -> AsyncIterator[BookPage]:
    while True:
        read = await trial.read(shelf, since, page)
        assert isinstance(read, BookPage), read
        yield read
        if read.next_page is None:
            return
        page = read.next_page


async def _whole(
    trial: Trial, shelf: str, since: datetime = LONG_AGO, *, page: str | None = None
) -> list[BookEntry]:
    """Every entry from a page on, read to the end."""
    return [entry async for read in _pages(trial, shelf, since, page) for entry in read.entries]
