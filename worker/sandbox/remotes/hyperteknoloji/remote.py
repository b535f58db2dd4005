"""The tenant's API: login, create, cancel, list, detail, account. Balance and prices are in TRY."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final

from worker.sandbox.books import Row
from worker.sandbox.callbacks import Callback
from worker.sandbox.remote import Call, Documented, Json, Magic, Operation, Remote, Reply, Send
from worker.sandbox.remotes.hyperteknoloji import cancelling
from worker.sandbox.remotes.hyperteknoloji.basket import Line, Wanted, folded, read_basket
from worker.sandbox.remotes.hyperteknoloji.documented import DOCUMENTED
from worker.sandbox.remotes.hyperteknoloji.ledger import Ledger
from worker.sandbox.remotes.hyperteknoloji.magic import CANCELLED, PRODUCTS, Product, Refusal
from worker.sandbox.remotes.hyperteknoloji.tampered import Tampered
from worker.sandbox.settings import SandboxSettings

EMAIL: Final = "sandbox@example.test"
PASSWORD: Final = "sandbox"  # noqa: S105 -- the sandbox's own, documented
CALLBACK_API_KEY: Final = "sandbox-callback-key"
"""What ``Apikey`` holds on every callback."""
DEFAULT_REGION: Final = "TR"
PAGE_SIZE: Final = 20
MAX_PAGE_SIZE: Final = 200
CALLBACK_TRIES: Final = 5
"""The documentation says "retried" without a count."""


class Hyperteknoloji(Remote):
    """One tenant with one API customer.

    A repeated DeliverID is a second, paid order: no idempotency is documented. The shape of a
    list page (``data.items``, one row per line, newest first) and of the detail's envelope are
    assumed; so is that an unknown detail id is a 400.
    """

    name: ClassVar[str] = "hyperteknoloji"
    magic: ClassVar[tuple[Product, ...]] = PRODUCTS
    documented: ClassVar[tuple[Documented, ...]] = DOCUMENTED

    def __init__(self, settings: SandboxSettings, send: Send, seed: int) -> None:
        super().__init__(settings, send, seed)
        self._pace = timedelta(seconds=settings.pace)
        self._tokens: dict[str, datetime] = {}
        self._logins = 0
        self._ledger = Ledger(self._pace)

    def operations(self) -> Iterable[Operation]:
        """Everything the tenant can be asked for."""
        return (
            Operation("login", "POST", "/Login/Customer/Api/Verify", self.login, anonymous=True),
            Operation("create", "POST", "/Order/create", self.create),
            Operation("cancel", "POST", "/Order/cancel", self.cancel),
            Operation("list", "POST", "/Order/customer/list", self.list_lines),
            Operation("detail", "GET", "/Order/detail/{id}", self.detail),
            Operation("customer", "GET", "/Customer/Get", self.customer),
        )

    def account(self) -> dict[str, str]:
        """The settings of the one API customer."""
        return {
            "email": EMAIL,
            "password": PASSWORD,
            "region": DEFAULT_REGION,
            "callback_api_key": CALLBACK_API_KEY,
        }

    def error(self, status: int, message: str) -> Reply:
        """A failure in the tenant's envelope."""
        return Reply(status, {"data": None, "success": False, "message": message})

    def knows(self, call: Call) -> bool:
        """Whether the call bears a token that lives."""
        expires = self._tokens.get(call.bearer)
        return expires is not None and call.now < expires

    def turn_away(self, call: Call) -> Reply:
        """Kill the token of the call, if it has one, and answer 401."""
        self._tokens.pop(call.bearer, None)
        return self.error(401, "Unauthorized")

    def touched(self, call: Call) -> Iterable[tuple[Magic, str]]:
        """The products of a basket, or of what is to be called off, by DeliverID."""
        about: list[Wanted] | str = []
        if call.operation == "create":
            about = read_basket(call.body)
        elif call.operation == "cancel":
            lines = cancelling.named(call.body, self._ledger.lines)
            about = lines if isinstance(lines, str) else [line.wanted for line in lines]
        if isinstance(about, str):
            return ()
        return [(wanted.product, wanted.deliver_id or "") for wanted in about]

    def rows(self, now: datetime) -> Iterator[Row]:
        """Every line, oldest first; a cancelled one is refunded and not live."""
        for line in self._ledger.lines:
            status = line.status(now)
            yield Row(
                remote=self.name,
                ref=line.wanted.deliver_id,
                order_id=str(line.order_id),
                line_id=str(line.detail_id),
                product=str(line.wanted.product_id),
                quantity=line.wanted.quantity,
                price=line.total,
                currency="TRY",
                status=str(status),
                live=status != CANCELLED,
                created_at=line.created_at,
                bought_at=line.created_at,
                extra={"region": line.region},
            )

    def tampering(self) -> Tampered:
        """The tenant's books, open to anybody."""
        return Tampered(self._ledger)

    def login(self, call: Call) -> Reply:
        """Exchange e-mail and password for a token with an ``Expiration``."""
        given = folded(call.body)
        if (given.get("email"), given.get("password")) != (EMAIL, PASSWORD):
            return self.error(401, "E-mail or password is wrong")
        expires = call.now + self.settings.token_lifetime
        token = self._new_token(expires)
        self._tokens[token] = expires
        data = {
            "Token": token,
            "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "callbackData": given.get("callbackdata"),
            "customerApiKey": CALLBACK_API_KEY,
        }
        return _success(data)

    def create(self, call: Call) -> Reply:
        """Buy a basket, all or nothing, and owe its callbacks."""
        basket = read_basket(call.body)
        if isinstance(basket, str):
            return self.error(400, basket)
        if refused := [wanted for wanted in basket if wanted.product.refusal]:
            return self._refuse(refused)
        cost = sum((wanted.product.price * wanted.quantity for wanted in basket), Decimal(0))
        if cost > self._ledger.balance(call.now):
            return self.error(200, "Insufficient balance")
        region = call.headers.get("h-region-code", DEFAULT_REGION)
        lines = self._ledger.buy(basket, region, call.now)
        if isinstance(notify := folded(call.body).get("notifyurl"), str):
            self._owe_callbacks(notify, lines)
        return self._accepted(lines)

    def cancel(self, call: Call) -> Reply:
        """Call off an order, or a line of one, that is not delivered; its price is refunded."""
        lines = cancelling.named(call.body, self._ledger.lines)
        if isinstance(lines, str):
            return self.error(400, lines)
        if refused := cancelling.refusal(lines, call.now):
            return self.error(400, refused)
        for line in lines:
            line.call_off(call.now)
            self._ledger.may_end(line)
        return _success({})

    def list_lines(self, call: Call) -> Reply:
        """One page of the lines, newest first."""
        given = folded(call.body)
        page, size = given.get("page", 1), given.get("pagesize", PAGE_SIZE)
        if type(page) is not int or type(size) is not int or page < 1 or size < 1:
            return self.error(400, "page and pageSize must be positive integers")
        size = min(size, MAX_PAGE_SIZE)
        lines = self._ledger.listed(call.now)
        end = len(lines) - (page - 1) * size
        newest_first = lines[max(end - size, 0) : max(end, 0)][::-1]
        rows = [self._full(line, call.now) for line in newest_first]
        return _success({"items": rows, "page": page, "pageSize": size, "totalCount": len(lines)})

    def detail(self, call: Call) -> Reply:
        """One line with its status and what was delivered."""
        line = self._ledger.detail(int(call.tail)) if call.tail.isdecimal() else None
        if line is None:
            return self.error(400, "Order detail not found")
        return _success(self._full(line, call.now) | line.delivery(line.status(call.now)))

    def customer(self, call: Call) -> Reply:
        """The account with its balance; in camelCase, as public clients read it."""
        balance = self._ledger.balance(call.now)
        return _success({"email": EMAIL, "balance": balance, "currencyCode": "TRY"})

    def _new_token(self, expires: datetime) -> str:
        self._logins += 1
        claims = {"sub": EMAIL, "exp": int(expires.timestamp()), "jti": self._logins}
        signed = f"{_base64({'alg': 'HS256', 'typ': 'JWT'})}.{_base64(claims)}"
        key = f"sandbox {self.seed}".encode()
        signature = hmac.new(key, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    def _refuse(self, refused: list[Wanted]) -> Reply:
        first = refused[0].product.refusal or Refusal(400, "Invalid payload")
        reply = self.error(first.status, first.message)
        items = [
            {
                "ProductID": wanted.product_id,
                "Quantity": wanted.quantity,
                "StoreName": "Sandbox store",
                "reason": wanted.product.refusal.reason,
            }
            for wanted in refused
            if wanted.product.refusal and wanted.product.refusal.reason
        ]
        if items:
            reply.body["data"] = {"OrderID": 0, "details": [], "items": items}
        return reply

    def _owe_callbacks(self, url: str, lines: list[Line]) -> None:
        headers = {"Apikey": CALLBACK_API_KEY}
        for line in lines:
            for paces, status in line.wanted.product.callbacks:
                body = line.delivery(status)
                callback = Callback(self.name, url, body, headers, CALLBACK_TRIES)
                self.send(line.created_at + paces * self._pace, callback)

    def _accepted(self, lines: list[Line]) -> Reply:
        details: list[Json] = [
            {
                "DeliverID": line.wanted.deliver_id,
                "OrderDetailID": line.detail_id,
                "Quantity": line.wanted.quantity,
                "Price": line.price,
            }
            for line in lines
            if line.wanted.product.details_shown
        ]
        reply = _success({"OrderID": lines[0].order_id, "details": details, "items": None})
        if any(line.wanted.product.camel_case for line in lines):
            return Reply(reply.status, _camel(reply.body))
        return reply

    def _full(self, line: Line, now: datetime) -> Json:
        return {
            "OrderID": line.order_id,
            "OrderDetailID": line.detail_id,
            "DeliverID": line.wanted.deliver_id,
            "CustomerStoreProductID": line.wanted.product_id,
            "Quantity": line.wanted.quantity,
            "Price": line.price,
            "Status": line.status(now),
            "CreateDate": line.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def _success(data: Json) -> Reply:
    return Reply(200, {"data": data, "success": True, "message": "OK"})


def _base64(claims: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()


def _camel(value: Any) -> Any:
    """The same document with camelCase keys."""
    match value:
        case dict():
            return {key[:1].lower() + key[1:]: _camel(item) for key, item in value.items()}
        case list():
            return [_camel(item) for item in value]
        case _:
            return value
