"""The API: login, orders, invitations, shop. One client, with one living token."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import ClassVar, Final

from worker.sandbox.books import Row
from worker.sandbox.remote import Call, Documented, Json, Magic, Operation, Remote, Reply, Send
from worker.sandbox.remotes.feedback_company.magic import (
    BY_FILTERCODE,
    DOCUMENTED,
    FILTERCODES,
    NORMAL,
    TAKEN,
    UNAUTHORIZED,
    Filtercode,
    said,
)
from worker.sandbox.remotes.feedback_company.order import Asked, Wrong, read_order
from worker.sandbox.settings import SandboxSettings

CLIENT_ID: Final = "sandbox-client-id"
CLIENT_SECRET: Final = "sandbox-client-secret"  # noqa: S105 -- the sandbox's own, documented
GRANT: Final = "authorization_code"
PAGE_SIZE: Final = 25
MAX_PAGE_SIZE: Final = 1000

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Taken:
    """An order that was taken, by the provider's own number; its invitation goes after a pace."""

    number: int
    asked: Asked
    created_at: datetime
    pace: timedelta

    def is_sent(self, now: datetime) -> bool:
        """Whether the invitation has gone: paces stand for the days that were asked for."""
        return self.asked.send_at is not None and now >= self.created_at + self.pace

    def is_reminder_sent(self, now: datetime) -> bool:
        """Whether the reminder has gone, a pace after the invitation."""
        return self.asked.remind_at is not None and now >= self.created_at + 2 * self.pace

    def status(self, now: datetime) -> str:
        """Where it stands, for the books."""
        if self.asked.send_at is None:
            return "nobody invited"
        if self.is_reminder_sent(now):
            return "reminded"
        return "invited" if self.is_sent(now) else "to be invited"

    def invitation(self, now: datetime) -> Json:
        """The invitation as its pages show it; ``order_id`` is the provider's own number."""
        asked = self.asked
        return {
            "id": 70_000 + self.number,
            "order_id": self.number,
            "is_sent": self.is_sent(now),
            "send_at": asked.send_at.isoformat() if asked.send_at else None,
            "send_reminder_at": asked.remind_at.isoformat() if asked.remind_at else None,
            "is_reminder_sent": self.is_reminder_sent(now),
            "created_at": self.created_at.isoformat(),
        }


class FeedbackCompany(Remote):
    """One client of the provider. Its customers are checked, and kept nowhere.

    Assumed, since undocumented: a repeated ``external_id`` is a 422 that names it (a filtercode
    makes it another order); what is asked wrongly is a 422, what is no JSON a 400; invitations
    are listed under ``invitations``; a wrong secret is a 401.
    """

    name: ClassVar[str] = "feedback_company"
    magic: ClassVar[tuple[Filtercode, ...]] = FILTERCODES
    documented: ClassVar[tuple[Documented, ...]] = DOCUMENTED

    def __init__(self, settings: SandboxSettings, send: Send, seed: int) -> None:
        super().__init__(settings, send, seed)
        self._pace = timedelta(seconds=settings.pace)
        self._token = ""
        self._expires_at: datetime | None = None
        self._logins = 0
        self._taken: list[Taken] = []
        self._ids: set[str] = set()

    def operations(self) -> Iterable[Operation]:
        """Everything the API can be asked for."""
        return (
            Operation("login", "GET", "/api/v2/oauth2/token", self.login, anonymous=True),
            Operation("create", "POST", "/api/v2/orders", self.create),
            Operation("invitations", "GET", "/api/v2/invitations", self.invitations),
            Operation("invitation", "GET", "/api/v2/invitations/{id}", self.invitation),
            Operation("shop", "GET", "/api/v2/shop", self.shop),
        )

    def account(self) -> dict[str, str]:
        """The credentials of the one client."""
        return {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}

    def error(self, status: int, message: str) -> Reply:
        """A failure in the first of the shapes that clients know."""
        return said(status, message)

    def knows(self, call: Call) -> bool:
        """Whether the call bears the one token that lives."""
        alive = self._expires_at is not None and call.now < self._expires_at
        return alive and bool(self._token) and call.bearer == self._token

    def turn_away(self, call: Call) -> Reply:
        """Kill the token, if the call has it, and answer 401."""
        if call.bearer == self._token:
            self._token = ""
        return UNAUTHORIZED

    def touched(self, call: Call) -> Iterable[tuple[Magic, str]]:
        """The filtercode of an order, by ``external_id``."""
        if call.operation != "create" or not isinstance(call.body, dict):
            return ()
        return ((_magic(call.body.get("filtercode")), str(call.body.get("external_id"))),)

    def rows(self, now: datetime) -> Iterator[Row]:
        """One row per product, or one for an order without: it costs no money, but an e-mail."""
        for taken in self._taken:
            for place, product in enumerate(taken.asked.products or ("",)):
                yield Row(
                    remote=self.name,
                    ref=taken.asked.external_id,
                    order_id=str(taken.number),
                    line_id=str(place),
                    product=product,
                    quantity=1,
                    price=Decimal(0),
                    currency="",
                    status=taken.status(now),
                    live=True,
                    created_at=taken.created_at,
                    bought_at=taken.created_at,
                )

    def login(self, call: Call) -> Reply:
        """A new token, which ends the one before."""
        asked = (call.query.get("client_id"), call.query.get("client_secret"))
        if asked != (CLIENT_ID, CLIENT_SECRET):
            return UNAUTHORIZED
        if call.query.get("grant_type") != GRANT or len(call.query) > 3:  # noqa: PLR2004 -- all of them
            return said(400, f"grant_type must be {GRANT}, and nothing else may be asked")
        self._logins += 1
        self._token = sha256(f"{self.seed} {self._logins}".encode()).hexdigest()
        expires_at = self._expires_at = call.now + self.settings.token_lifetime
        body = {"error": False, "access_token": self._token, "expires_on": told(expires_at)}
        return Reply(200, body)

    def create(self, call: Call) -> Reply:
        """Take an order, once for each ``external_id``."""
        if call.body is None:
            return self.error(400, "Bad request")
        try:
            asked = read_order(call.body, call.now)
        except Wrong as wrong:
            return self.error(422, str(wrong))
        magic = _magic(asked.filtercode)
        if magic.answer is not None and not magic.executes:
            return magic.answer
        if asked.external_id in self._ids and not magic.repeats_taken:
            return TAKEN
        self._ids.add(asked.external_id)
        self._taken.append(Taken(len(self._taken) + 1, asked, call.now, self._pace))
        return magic.answer or Reply(201, {"success": True})

    def invitations(self, call: Call) -> Reply:
        """One page of the invitations, oldest first unless asked otherwise."""
        page, size = call.query.get("page", "1"), call.query.get("page_size", str(PAGE_SIZE))
        sort = call.query.get("sort", "created_at")
        if sort not in {"created_at", "-created_at"} or not (page.isdecimal() and size.isdecimal()):
            return self.error(422, "page, page_size and sort are not as documented")
        if int(page) < 1 or not 1 <= int(size) <= MAX_PAGE_SIZE:
            return self.error(422, f"page_size goes from 1 to {MAX_PAGE_SIZE}")
        invited = [one for one in self._taken if one.asked.send_at is not None]
        if sort.startswith("-"):
            invited.reverse()
        start = (int(page) - 1) * int(size)
        shown = [one.invitation(call.now) for one in invited[start : start + int(size)]]
        return Reply(200, {"invitations": shown, "meta": {"count": len(invited)}})

    def invitation(self, call: Call) -> Reply:
        """One invitation by its id."""
        for one in self._taken:
            shown = one.invitation(call.now)
            if str(shown["id"]) == call.tail and one.asked.send_at is not None:
                return Reply(200, {"invitation": shown})
        return self.error(404, "Not found")

    def shop(self, call: Call) -> Reply:  # noqa: ARG002 -- the same for every caller it knows
        """The shop that the client belongs to."""
        return Reply(200, {"success": True, "shop": {"productReviewsEnabled": True}})


def told(moment: datetime) -> str:
    """A moment as the page on access tokens shows one: ``April, 1 2018 00:00:00 +0100``."""
    return f"{_MONTHS[moment.month - 1]}, {moment.day} {moment:%Y %H:%M:%S %z}"


def _magic(filtercode: object) -> Filtercode:
    return BY_FILTERCODE.get(str(filtercode), NORMAL)
