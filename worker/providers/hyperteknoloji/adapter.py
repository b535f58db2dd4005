"""Hyperteknoloji's verbs: sends and classifies, keeps nothing, decides nothing."""

from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.parse import quote

from pydantic import Field, SecretStr

from worker.books import BookPage, Books
from worker.capabilities import CallsBack, Capabilities, Doubt, Polling
from worker.http import Deadline, Reply
from worker.lifecycle import TERMINAL_LINES, Step
from worker.order import Attempted, Ordered, OrderedLine
from worker.outcome import (
    Check,
    Confirmed,
    Evidence,
    InDoubt,
    LineReport,
    LookUp,
    NotSent,
    Outcome,
    Pending,
    Refused,
)
from worker.provider import Account, Token
from worker.providers.account import HeaderSecret, HttpUrl, StrictAccount
from worker.providers.base import Adapter
from worker.providers.hyperteknoloji import books, listing, standing, wire
from worker.providers.paging import Place
from worker.providers.reading import known_by

LIST: Final = "/Order/customer/list"
MAX_PAGES: Final = 50
"""How many pages of the order list one look-up reads; its deadline may end it sooner."""


class HyperteknolojiAccount(StrictAccount):
    """One API customer of one tenant."""

    email: SecretStr
    password: SecretStr
    region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "TR"
    """``h-region-code``, sent with every call."""
    api_key: HeaderSecret | None = None
    """``Apikey``, which some tenants want with a create call."""
    callback_api_key: HeaderSecret | None = None
    """``Apikey`` of the tenant's callbacks to us; with it, they may also come to the account's
    own URL."""
    notify_url: HttpUrl | None = None
    """Where the tenant is to send its callbacks; the order's own URL at our gateway where left out,
    and without one what the tenant's own API settings say."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "TRY"
    """Of the account's balance and prices, for intents whose quote names none."""
    price_is: Literal["unit", "total"] = "unit"
    """What ``Price`` in an answer means; the documentation does not say, so this is assumed."""
    cancel_by: standing.CancelBy = "order"
    """What a cancelling call names: the ``OrderID``, once, or the ``OrderDetailID`` of each line.
    The call's body is not public, so this is assumed."""


class Hyperteknoloji(Adapter[HyperteknolojiAccount]):
    """One Hyperteknoloji account. Creating an order buys it; there is nothing to confirm.

    A repeated ``DeliverID`` is not documented to be refused, and the order list not to be
    complete: hence ``LOOK_UP_WEAK``. Calling an order off is harmless to repeat: the worst that
    comes of it is a no.
    """

    name: ClassVar[str] = "hyperteknoloji"
    capabilities: ClassVar[Capabilities] = Capabilities(
        after_place=Doubt.LOOK_UP_WEAK,
        polls=Polling.LINE,
        poll_every=tuple(timedelta(seconds=s) for s in (3, 10, 30, 60, 120, 300)),
        after_cancel=Doubt.HARMLESS,
        books=Books.ACCOUNT,
        needs_token=True,
    )
    calls_back: ClassVar[CallsBack | None] = CallsBack(
        proof_header="Apikey",
        proof_field="callback_api_key",
        taken=(200, '{"success": true, "message": "OK"}'),
        unproven=(400, '{"success": false, "message": "Apikey is missing or wrong"}'),
    )
    account_model: ClassVar[type[Account]] = HyperteknolojiAccount

    async def login(self, deadline: Deadline) -> Token | Outcome:
        """Exchange e-mail and password for a token. Its failures are all ``NotSent``."""
        email, password = self.account.email, self.account.password
        reply = await self.channel.send(
            "POST",
            "/Login/Customer/Api/Verify",
            deadline=deadline,
            commits=False,
            headers={"h-region-code": self.account.region},
            content=wire.login_body(email.get_secret_value(), password.get_secret_value()),
        )
        if isinstance(reply, Reply):
            return wire.read_login(reply, self.account.secrets)
        return NotSent(f"login_{reply.reason}", evidence=reply.evidence)

    async def place(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> Outcome:
        """Buy the whole basket, or nothing of it."""
        del attempt  # the provider sees our line_refs only
        reply = await self._send(
            "POST",
            "/Order/create",
            order,
            deadline,
            token,
            content=wire.create_body(order, self.account.notify_url or order.callback_url),
            commits=True,
        )
        if not isinstance(reply, Reply):
            return reply
        return wire.read_created(reply, order, self._pricing(order))

    @staticmethod
    def mentioned(callback: bytes) -> frozenset[str]:
        """The ``DeliverID`` of the line that it tells of, which is our ``line_ref``."""
        return wire.mentioned(callback)

    async def look_up(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> LookUp:
        """What became of a placing or a cancelling call."""
        if attempt.step is Step.CANCEL:
            return await self._called_off(order, deadline, token)
        return await self._listed(order, attempt, deadline, token)

    async def cancel(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> Outcome:
        """Ask for the order, or for each of its open lines, to be called off.

        A no is checked against where the lines stand: who asks twice is told no as well.
        """
        del attempt
        outcomes: list[Outcome] = []
        for body in standing.cancel_bodies(order, self.account.cancel_by):
            path = "/Order/cancel"
            reply = await self._send(
                "POST", path, order, deadline, token, content=body, commits=True
            )
            said = standing.read_cancel(reply, order) if isinstance(reply, Reply) else reply
            outcomes.append(said)
            if isinstance(said, NotSent):
                break  # no connection, no token or too many calls: so with the next line
            deadline = deadline.begun()
        if not outcomes:
            return NotSent("nothing_to_cancel")
        outcome = standing.heard(outcomes)
        if isinstance(outcome, Refused):
            found = await self._called_off(order, deadline, token)
            return found if isinstance(found, Confirmed) else outcome
        return outcome

    async def _called_off(self, order: Ordered, deadline: Deadline, token: str | None) -> LookUp:
        """Read every line, also those we know to have ended: all of them count."""
        reports: list[LineReport] = []
        for line in order.lines:
            report = await self._detail(line, order, deadline, token)
            if not isinstance(report, LineReport):
                return report
            reports.append(report)
            deadline = deadline.begun()
        return standing.called_off(reports, order)

    async def _listed(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> LookUp:
        """Read the order list, newest first, back to the attempt, for our ``line_ref``s."""
        rows: list[listing.Row] = []
        for number in range(1, MAX_PAGES + 1):
            page = await self._page(number, order, deadline, token)
            if not isinstance(page, list):
                return page
            repeats = bool(page) and set(page) <= set(rows)
            rows += page
            if repeats:
                reason = "the order list does not move on from page to page"
                return InDoubt(reason, listing.seen(rows, order))
            if (
                not page
                or listing.all_found(rows, order)
                or listing.reaches_back(page, attempt.opened_at)
            ):
                return listing.finding(rows, order, self._pricing(order))
            deadline = deadline.begun()  # it did begin in time
        return InDoubt("the order list is longer than is read", listing.seen(rows, order))

    async def poll(self, order: Ordered, deadline: Deadline, token: str | None) -> Outcome:
        """Ask for each open line. What cannot be read leaves the other lines' news intact."""
        reports: list[LineReport] = []
        failures: list[NotSent | InDoubt] = []
        open_lines = [line for line in order.lines if line.state not in TERMINAL_LINES]
        for line in open_lines:
            report = await self._detail(line, order, deadline, token)
            if isinstance(report, LineReport):
                reports.append(report)
            else:
                failures.append(report)
                if isinstance(report, NotSent):
                    break  # no connection, no token or too many calls: so with the next line
            deadline = deadline.begun()
        if failures and not reports:
            return failures[0]
        seen = Evidence(200, request_ref=order.provider_ref)
        finished = not failures and all(one.state in TERMINAL_LINES for one in reports)
        if finished and order.provider_ref:
            return Confirmed(order.provider_ref, tuple(reports), evidence=seen)
        return Pending(order.provider_ref, tuple(reports), evidence=seen)

    async def read_books(
        self, shelf: str, since: datetime, page: str | None, deadline: Deadline, token: str | None
    ) -> BookPage | Refused | NotSent | InDoubt:
        """One page of the order list, which holds everything of the account."""
        del shelf
        place = Place.kept(page)
        body = listing.page_body(place.number)
        reply = await self._call("POST", LIST, deadline, token, content=body)
        if not isinstance(reply, Reply):
            return reply
        return books.read_page(reply, place, since, self._pricing_in(self.account.currency))

    async def check(self, deadline: Deadline, token: str | None) -> Check:
        """Read the account's balance."""
        reply = await self._call("GET", "/Customer/Get", deadline, token)
        if isinstance(reply, Reply):
            return wire.read_account(reply, self.account.currency, self.account.secrets)
        return reply

    async def _page(
        self, number: int, order: Ordered, deadline: Deadline, token: str | None
    ) -> list[listing.Row] | NotSent | InDoubt:
        reply = await self._send(
            "POST",
            LIST,
            order,
            deadline,
            token,
            content=listing.page_body(number),
        )
        return listing.read_page(reply, order) if isinstance(reply, Reply) else reply

    async def _detail(
        self, line: OrderedLine, order: Ordered, deadline: Deadline, token: str | None
    ) -> LineReport | NotSent | InDoubt:
        if line.provider_line_ref is None:
            return InDoubt("the provider's id of this line is not known")
        path = f"/Order/detail/{quote(line.provider_line_ref, safe='')}"
        reply = await self._send("GET", path, order, deadline, token)
        return standing.read_detail(reply, order, line) if isinstance(reply, Reply) else reply

    async def _send(
        self,
        method: str,
        path: str,
        order: Ordered,
        deadline: Deadline,
        token: str | None,
        **what: Any,
    ) -> Reply | NotSent | InDoubt:
        """Make a call about an order; whatever becomes of it, the order can be found by it."""
        reply = await self._call(method, path, deadline, token, **what)
        return reply if isinstance(reply, Reply) else known_by(wire.request_ref(order), reply)

    async def _call(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        token: str | None,
        *,
        content: bytes | None = None,
        commits: bool = False,
    ) -> Reply | NotSent | InDoubt:
        if token is None:
            return NotSent("no_token", token_rejected=True)
        headers = {"authorization": f"Bearer {token}", "h-region-code": self.account.region}
        if commits and self.account.api_key is not None:
            headers["apikey"] = self.account.api_key.get_secret_value()
        return await self.channel.send(
            method, path, deadline=deadline, commits=commits, headers=headers, content=content
        )

    def _pricing(self, order: Ordered) -> wire.Pricing:
        asked = order.intent.quote and order.intent.quote.currency
        return self._pricing_in(asked or self.account.currency)

    def _pricing_in(self, currency: str) -> wire.Pricing:
        return wire.Pricing(currency, self.account.price_is == "unit")
