"""Adobe's verbs: sends and classifies, keeps nothing, decides nothing."""

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, ClassVar, Final
from urllib.parse import quote, urlencode
from uuid import uuid4

from pydantic import Field, SecretStr

from schemas.intents import Intent
from schemas.intents.adobe_vipm import AdobeIntent
from worker.books import BookPage, Books
from worker.capabilities import Capabilities, Doubt
from worker.http import Channel, Deadline, Reply
from worker.lifecycle import Step
from worker.order import Attempted, Ordered
from worker.outcome import (
    Check,
    InDoubt,
    LookUp,
    NotSent,
    Outcome,
    RefusalCode,
    Refused,
)
from worker.provider import Account, Token
from worker.providers.account import HeaderSecret, HttpUrl, StrictAccount
from worker.providers.adobe_vipm import asking, books, listing, login, previews, returns, wire
from worker.providers.base import Adapter
from worker.providers.reading import known_by

MAX_PAGES: Final = 50
"""How many pages of the order list one look-up reads; its deadline may end it sooner."""
PING: Final = "/partnerservice/ping"
WITH_PRICES: Final = "?" + urlencode({"fetch-price": "true"})


class AdobeAccount(StrictAccount):
    """One partner's integration. ``base_url`` is ``https://partners.adobe.io`` for real."""

    ims_url: HttpUrl
    """Where access tokens come from: ``https://ims-na1.adobelogin.com`` for real."""
    client_id: HeaderSecret
    """The integration's client id, which is also sent as ``X-Api-Key``."""
    client_secret: SecretStr
    scope: Annotated[str, Field(min_length=1)] = "openid,AdobeID,read_organizations"
    """The scopes of the Developer Console project, separated by commas; the default is what a
    public client asks for, so assumed."""
    preview_lives: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    """For how many seconds a previewed price may be acted on, never across midnight in Pacific
    time; assumed, since Adobe only calls it an estimate of the moment."""


_ORDERING: Final = Capabilities(
    after_place=Doubt.REPLAY,
    after_cancel=Doubt.REPLAY,
    returns_for=listing.RETURN_WINDOW,
    books=Books.SHELVES,
    charge_by_poll=True,
    poll_every=tuple(timedelta(seconds=s) for s in (5, 15, 30)),
    needs_token=True,
    token_early=timedelta(seconds=180),
    repeats=3,
)
_RETURNING: Final = replace(_ORDERING, after_cancel=None, returns_for=None)
_PREVIEWING: Final = replace(_RETURNING, after_place=Doubt.HARMLESS)
_PREVIEWING_FIRST: Final = replace(
    _ORDERING, after_place=Doubt.HARMLESS, after_confirm=Doubt.REPLAY
)


class AdobeVipm(Adapter[AdobeAccount]):
    """One integration with Adobe's VIP Marketplace.

    An answer is stored under its correlation id for ten days: the same request under the same
    id is executed once. So our ``reference`` is that id, and the bytes of a request are kept.
    A preview changes nothing there.
    """

    name: ClassVar[str] = "adobe_vipm"
    capabilities: ClassVar[Capabilities] = _ORDERING
    account_model: ClassVar[type[Account]] = AdobeAccount

    @property
    def token_owner(self) -> str | None:
        """The organisation of the integration, as a hash of where and as whom it logs in."""
        whose = f"{self.account.ims_url} {self.account.client_id.get_secret_value()}"
        return sha256(whose.encode()).hexdigest()

    def capabilities_for(self, intent: Intent) -> Capabilities:
        """By what is asked for: only what was bought can be called off."""
        if not isinstance(intent, AdobeIntent):
            return self.capabilities
        if intent.previews:
            return _PREVIEWING
        if intent.preview_first:
            return _PREVIEWING_FIRST
        return _RETURNING if intent.order_type == "RETURN" else _ORDERING

    def request(self, order: Ordered, step: Step, reference: str) -> bytes | None:
        """The body of every call that orders something; a preview's is never kept."""
        del reference  # it is a header
        return None if _previews(order, step) else asking.order_body(order, step)

    async def login(self, deadline: Deadline) -> Token | Outcome:
        """Get a token by a connection of its own: once a day, from another host."""
        account = self.account
        async with Channel(account.ims_url, limit=1) as ims:
            reply = await ims.send(
                "POST",
                login.PATH,
                deadline=deadline,
                commits=False,
                headers={"content-type": login.FORM},
                content=login.login_body(
                    account.client_id.get_secret_value(),
                    account.client_secret.get_secret_value(),
                    account.scope,
                ),
            )
        if isinstance(reply, Reply):
            return login.read_login(reply)
        return NotSent(f"login_{reply.reason}", evidence=reply.evidence)

    async def place(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> Outcome:
        """Order, or preview what is to be ordered."""
        reply = await self._order(order, Step.PLACE, attempt, deadline, token)
        if not isinstance(reply, Reply):
            return reply
        if not _previews(order, Step.PLACE):
            return wire.read_ordered(reply, order, Step.PLACE, attempt.reference)
        lives = timedelta(seconds=self.account.preview_lives)
        return previews.read_previewed(reply, order, attempt.opened_at, lives, attempt.reference)

    async def confirm(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> Outcome:
        """Order the offers that the preview returned."""
        reply = await self._order(order, Step.CONFIRM, attempt, deadline, token)
        if not isinstance(reply, Reply):
            return reply
        return wire.read_ordered(reply, order, Step.CONFIRM, attempt.reference)

    async def cancel(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> Outcome:
        """Give every line back that came to something.

        A no is held against the list of what was given back: an earlier RETURN of ours, of unknown
        outcome, may have come through late, and who asks twice is told no as well.
        """
        if order.provider_ref is None:
            return NotSent("nothing_to_cancel")
        if not asking.returnable(order):
            return Refused(RefusalCode.INVALID, "no line of it can be given back")
        reply = await self._order(order, Step.CANCEL, attempt, deadline, token)
        if not isinstance(reply, Reply):
            return reply
        outcome = returns.read_returned(reply, order, attempt.reference)
        if not isinstance(outcome, Refused) or outcome.code is RefusalCode.FORBIDDEN:
            return outcome
        deadline = replace(deadline, start_by=deadline.end_by)  # it did begin in time
        found = await self.look_up(order, attempt, deadline, token)
        return returns.weighed(outcome, found)

    async def look_up(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> LookUp:
        """Read the customer's orders since shortly before the attempt, to the last page."""
        found: list[listing.Listed] = []
        for _ in range(MAX_PAGES):
            query = listing.page_query(order, attempt, len(found))
            reply = await self._ask(f"{_orders(order)}?{query}", attempt.reference, deadline, token)
            page = (
                listing.read_page(reply, attempt.reference) if isinstance(reply, Reply) else reply
            )
            if not isinstance(page, listing.Page):
                return page
            found += page.orders
            if len(found) >= page.total:
                return listing.finding(found, order, attempt)
            if not page.orders:
                return InDoubt("the order list ends before its total")
            deadline = deadline.begun()  # it did begin in time
        return InDoubt("the order list is longer than is read")

    async def poll(self, order: Ordered, deadline: Deadline, token: str | None) -> Outcome:
        """Where the order stands, with its prices where it can have some in one currency."""
        if order.provider_ref is None:
            return InDoubt("the provider's id of this order is not known")
        intent = asking.intent_of(order)
        deployed = any(line.deployment_id for line in intent.lines)
        prices = "" if intent.currency is None or deployed else WITH_PRICES
        path = f"{_orders(order)}/{quote(order.provider_ref, safe='')}{prices}"
        reply = await self._ask(path, order.provider_ref, deadline, token)
        return wire.read_polled(reply, order) if isinstance(reply, Reply) else reply

    def shelf(self, order: Ordered) -> str | None:
        """Its customer."""
        return asking.intent_of(order).customer_id

    async def read_books(
        self, shelf: str, since: datetime, page: str | None, deadline: Deadline, token: str | None
    ) -> BookPage | Refused | NotSent | InDoubt:
        """One page of a customer's orders, whoever ordered; ``page`` is an offset."""
        offset = 0 if page is None else int(page)
        path = f"{_orders_of(shelf)}?{books.page_query(since, offset)}"
        reply = await self._ask(path, None, deadline, token)
        return books.read_page(reply, offset) if isinstance(reply, Reply) else reply

    async def check(self, deadline: Deadline, token: str | None) -> Check:
        """Ask whether the service is there for us."""
        reply = await self._ask(PING, None, deadline, token)
        if not isinstance(reply, Reply):
            return reply
        return wire.read_checked(reply)

    async def _order(
        self, order: Ordered, step: Step, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> Reply | NotSent | InDoubt:
        previews_only = _previews(order, step)
        return await self._send(
            "POST",
            _orders(order) + (WITH_PRICES if previews_only else ""),
            attempt.reference,
            deadline,
            token,
            content=attempt.request or asking.order_body(order, step),
            commits=not previews_only,
            correlation=attempt.reference,
        )

    async def _ask(
        self, path: str, request_ref: str | None, deadline: Deadline, token: str | None
    ) -> Reply | NotSent | InDoubt:
        """A question has an id of its own: under an old one an old answer would come back."""
        return await self._send("GET", path, request_ref, deadline, token, correlation=uuid4().hex)

    async def _send(
        self,
        method: str,
        path: str,
        request_ref: str | None,
        deadline: Deadline,
        token: str | None,
        *,
        correlation: str,
        content: bytes | None = None,
        commits: bool = False,
    ) -> Reply | NotSent | InDoubt:
        if token is None:
            return NotSent("no_token", token_rejected=True)
        key = self.account.client_id.get_secret_value()
        headers = {
            "authorization": f"Bearer {token}",
            "x-api-key": key,
            "x-correlation-id": correlation,
            "x-request-id": str(uuid4()),
            "content-type": "application/json",
        }
        reply = await self.channel.send(
            method, path, deadline=deadline, commits=commits, headers=headers, content=content
        )
        if isinstance(reply, Reply):
            return _without(reply, token, key, self.account.client_secret.get_secret_value())
        return known_by(request_ref, reply)


def _previews(order: Ordered, step: Step) -> bool:
    """Whether a call asks for prices and orders nothing."""
    return asking.type_of(order, step).startswith("PREVIEW")


def _orders(order: Ordered) -> str:
    return _orders_of(asking.intent_of(order).customer_id)


def _orders_of(customer: str) -> str:
    return f"/v3/customers/{quote(customer, safe='')}/orders"


def _without(reply: Reply, *secrets: str) -> Reply:
    """The answer without what we proved ourselves with, should it repeat that."""
    body = reply.body
    for secret in secrets:
        body = body.replace(secret.encode(), b"***")
    return replace(reply, body=body)
