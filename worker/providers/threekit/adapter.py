"""Threekit's verbs: sends and classifies, keeps nothing, decides nothing."""

from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from worker.books import BookPage, Books
from worker.capabilities import Capabilities, Doubt
from worker.http import Deadline, Reply
from worker.order import Attempted, Ordered
from worker.outcome import Check, Evidence, InDoubt, LookUp, NotSent, Outcome, Refused
from worker.provider import Account
from worker.providers.account import HeaderSecret, StrictAccount
from worker.providers.base import Adapter
from worker.providers.paging import Place
from worker.providers.threekit import books, listing, wire
from worker.providers.threekit.errors import Failures

MAX_PAGES: Final = 50
"""How many pages of the list one look-up reads; its deadline may end it sooner."""


class ThreekitAccount(StrictAccount):
    """One organisation in one of Threekit's environments, each of which has its own host."""

    token: HeaderSecret
    """A private token. It has every right of the user who made it, in the whole organisation."""
    org_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """``orgId``, sent with every call where it is set. The token implies it (assumed)."""
    done_when: Literal["placed", "complete"] = "placed"
    """When a line counts as delivered: once its order is recorded, or once that is "Complete".

    That a recorded order is all that is wanted is assumed: who sets the status is not public.
    """
    not_found: Literal["in_doubt", "refused"] = "in_doubt"
    """What 404 to a new order says. The page means an unknown configuration (assumed), a wrong
    ``base_url`` gets the same: hence it is looked up, unless the first is known to be true."""


class Threekit(Adapter[ThreekitAccount]):
    """One Threekit account. Creating an order records it; there is nothing to confirm.

    A repeated request makes a second order. Ours is found by its ``platform`` and told from
    others' by our key in its ``metadata``. Orders are not documented to be called off.
    """

    name: ClassVar[str] = "threekit"
    capabilities: ClassVar[Capabilities] = Capabilities(
        after_place=Doubt.LOOK_UP,
        books=Books.SHELVES,
        poll_every=tuple(timedelta(seconds=s) for s in (30, 60, 300, 900, 3600)),
    )
    account_model: ClassVar[type[Account]] = ThreekitAccount

    async def place(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> Outcome:
        """Record the order."""
        del attempt, token  # the provider sees the order's key and its line_refs only
        body = wire.create_body(order, self.account.org_id)
        reply = await self._send("POST", wire.ORDERS, deadline, content=body)
        if not isinstance(reply, Reply):
            return wire.not_answered(reply, order)
        failures = Failures(missing_refuses=self.account.not_found == "refused")
        return wire.read_created(reply, order, failures, until_complete=self._until_complete)

    async def look_up(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> LookUp:
        """Read every order of this platform for our key: one may have been recorded twice."""
        del attempt, token
        found = listing.Listing(order)
        number: int | None = None
        goes_on = True
        for _ in range(MAX_PAGES):
            page = await self._page(number, order, deadline)
            if not isinstance(page, listing.Page):
                return page
            goes_on, number = found.add(page), found.next_number
            if not goes_on:
                break
            deadline = deadline.begun()  # it did begin in time
        return found.finding(ended=not goes_on, until_complete=self._until_complete)

    async def poll(self, order: Ordered, deadline: Deadline, token: str | None) -> Outcome:
        """Where the recorded order stands; asked only where that is waited for."""
        del token
        if order.provider_ref is None:
            return InDoubt(
                "the provider's id of this order is not known",
                Evidence(request_ref=wire.order_key(order)),
            )
        reply = await self._send("GET", wire.order_path(order.provider_ref), deadline)
        if not isinstance(reply, Reply):
            return wire.not_answered(reply, order)
        return wire.read_polled(reply, order, until_complete=self._until_complete)

    def shelf(self, order: Ordered) -> str | None:
        """The shop order that it was recorded for: its ``platform`` as it was sent."""
        return wire.platform_said(order)

    async def read_books(
        self, shelf: str, since: datetime, page: str | None, deadline: Deadline, token: str | None
    ) -> BookPage | Refused | NotSent | InDoubt:
        """One page of what was recorded for a shop order, by anybody."""
        del token
        place = Place.kept(page)
        number = None if page is None else place.number
        path = wire.list_path(shelf, self.account.org_id, number, listing.PER_PAGE)
        reply = await self._send("GET", path, deadline)
        if not isinstance(reply, Reply):
            return reply
        return books.read_page(reply, shelf, place, since, until_complete=self._until_complete)

    async def check(self, deadline: Deadline, token: str | None) -> Check:
        """Ask for one order, whichever: whether the account lets us in."""
        del token
        reply = await self._send("GET", wire.check_path(self.account.org_id), deadline)
        return listing.read_check(reply) if isinstance(reply, Reply) else reply

    @property
    def _until_complete(self) -> bool:
        return self.account.done_when == "complete"

    async def _page(
        self, number: int | None, order: Ordered, deadline: Deadline
    ) -> listing.Page | NotSent | InDoubt:
        said = wire.platform_said(order)
        path = wire.list_path(said, self.account.org_id, number, listing.PER_PAGE)
        reply = await self._send("GET", path, deadline)
        if not isinstance(reply, Reply):
            return wire.not_answered(reply, order)
        page = listing.read_page(reply)
        return page if isinstance(page, listing.Page) else wire.told(page, reply, order)

    async def _send(
        self, method: str, path: str, deadline: Deadline, *, content: bytes | None = None
    ) -> Reply | NotSent | InDoubt:
        """The token goes in a header: in the query, as browsers send theirs, logs would keep it."""
        headers = {"authorization": f"Bearer {self.account.token.get_secret_value()}"}
        return await self.channel.send(
            method,
            path,
            deadline=deadline,
            commits=content is not None,
            headers=headers,
            content=content,
        )
