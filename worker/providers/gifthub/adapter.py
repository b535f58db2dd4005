"""Gifthub's verbs: sends and classifies, keeps nothing, decides nothing."""

from datetime import datetime, timedelta
from typing import Annotated, ClassVar
from urllib.parse import urlencode

from pydantic import Field

from worker.books import BookPage, Books
from worker.capabilities import CallsBack, Capabilities, Doubt
from worker.http import Deadline, Reply
from worker.order import Attempted, Ordered
from worker.outcome import Check, InDoubt, LookUp, NotSent, Outcome, Refused
from worker.provider import Account
from worker.providers.account import HeaderSecret, HttpUrl, StrictAccount
from worker.providers.base import Adapter
from worker.providers.gifthub import books, standing, wire
from worker.providers.reading import known_by


class GifthubAccount(StrictAccount):
    """One customer."""

    token: HeaderSecret
    auth_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] = "Authorization"
    """What the token is sent in; not public, so the usual way is assumed."""
    auth_scheme: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]*$")] = "Bearer"
    """What stands before the token; may be empty. Assumed like the header."""
    webhook_url: HttpUrl | None = None
    """Where the provider is to send its webhooks; the order's own URL at our gateway where left
    out. Without a gateway none are asked for."""
    pending_state: Annotated[str, Field(min_length=1)] = "pending"
    """What the provider calls an order that was created and not confirmed; assumed."""
    frozen_within_balance: bool = True
    """Whether a wallet's ``balance`` still holds its ``frozenBalance``, so that only the rest can
    be spent; assumed."""


class Gifthub(Adapter[GifthubAccount]):
    """One Gifthub account.

    Creating again after doubt is harmless: what is not confirmed expires by itself. Confirming
    again is refused by the provider if the first time was carried out, so one look-up settles
    it. Nothing can be looked up by our ``reference``.
    """

    name: ClassVar[str] = "gifthub"
    capabilities: ClassVar[Capabilities] = Capabilities(
        after_place=Doubt.HARMLESS,
        after_confirm=Doubt.LOOK_UP_ONCE,
        ends_quotes=True,
        books=Books.SHELVES,
        poll_every=tuple(timedelta(seconds=s) for s in (3, 10, 30, 60, 120, 300)),
    )
    calls_back: ClassVar[CallsBack | None] = CallsBack()
    account_model: ClassVar[type[Account]] = GifthubAccount

    async def place(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> Outcome:
        """Create the order, which freezes its price and buys nothing."""
        del attempt, token
        body = wire.create_body(order, self.account.webhook_url or order.callback_url)
        reply = await self._send("POST", "/order/create", deadline, content=body, commits=True)
        if isinstance(reply, Reply):
            return wire.read_created(reply, order)
        return known_by(wire.reference(order), reply)

    async def confirm(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> Outcome:
        """Buy the order that ``place`` created."""
        del attempt, token
        if order.provider_ref is None:
            return NotSent("nothing_to_confirm")
        body = wire.confirm_body(order.provider_ref)
        reply = await self._send("PUT", "/order/confirm", deadline, content=body, commits=True)
        if isinstance(reply, Reply):
            return wire.read_confirmed(reply, order)
        return known_by(order.provider_ref, reply)

    async def look_up(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> LookUp:
        """Whether a confirming call was carried out. Creating calls are never looked up."""
        del attempt, token
        reply = await self._get(order, deadline)
        if isinstance(reply, Reply):
            return standing.read_looked_up(reply, order, self.account.pending_state)
        return reply

    async def poll(self, order: Ordered, deadline: Deadline, token: str | None) -> Outcome:
        """Where the confirmed order stands, with the cards that are there."""
        del token
        reply = await self._get(order, deadline)
        if isinstance(reply, Reply):
            return standing.read_polled(reply, order, self.account.pending_state)
        return reply

    def shelf(self, order: Ordered) -> str | None:
        """Each order is one: there is no list, only an order by its id."""
        return order.provider_ref

    async def read_books(
        self, shelf: str, since: datetime, page: str | None, deadline: Deadline, token: str | None
    ) -> BookPage | Refused | NotSent | InDoubt:
        """The one order of a shelf, whenever it was made."""
        del since, page, token
        reply = await self._ask(shelf, deadline)
        if not isinstance(reply, Reply):
            return reply
        return books.read_shelf(reply, shelf, self.account.pending_state)

    @staticmethod
    def mentioned(callback: bytes) -> frozenset[str]:
        """The ``reference`` that a webhook of an order repeats."""
        return standing.mentioned(callback)

    async def check(self, deadline: Deadline, token: str | None) -> Check:
        """Read the customer's wallets."""
        del token
        reply = await self._send("GET", "/customer/info", deadline)
        if isinstance(reply, Reply):
            return wire.read_customer(
                reply,
                frozen_within=self.account.frozen_within_balance,
                secrets=self.account.secrets,
            )
        return reply

    async def _get(self, order: Ordered, deadline: Deadline) -> Reply | NotSent | InDoubt:
        if order.provider_ref is None:
            return InDoubt("the provider's id of this order is not known")
        return await self._ask(order.provider_ref, deadline)

    async def _ask(self, order_id: str, deadline: Deadline) -> Reply | NotSent | InDoubt:
        path = "/order/get?" + urlencode({"orderId": order_id})
        reply = await self._send("GET", path, deadline)
        return reply if isinstance(reply, Reply) else known_by(order_id, reply)

    async def _send(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        content: bytes | None = None,
        commits: bool = False,
    ) -> Reply | NotSent | InDoubt:
        secret = self.account.token.get_secret_value()
        headers = {self.account.auth_header: f"{self.account.auth_scheme} {secret}".strip()}
        return await self.channel.send(
            method, path, deadline=deadline, commits=commits, headers=headers, content=content
        )
