"""The failures that the reseller documentation lists, each as a tenant answers it.

Errors under 5xx and 429 are not in the documentation itself but in what public clients handle.
``message`` and ``reason`` are free text in the tenant's language, so some are here in Turkish.
"""

from collections.abc import Iterator
from typing import Final

from worker.sandbox.remote import Documented, Json, Reply

_CALLS: Final = ("login", "create", "cancel", "list", "detail", "customer")
_EVERYWHERE: Final = (
    (401, "Unauthorized"),
    (403, "Forbidden"),
    (404, "API integration is disabled"),
    (429, "Too many requests"),
    (500, "Internal server error"),
    (502, "Bad gateway"),
    (503, "Service unavailable"),
    (504, "Gateway timeout"),
)
_REASONS: Final = ("out of stock", "stokta yok", "price changed", "fiyat değişti")
_MESSAGES: Final = (
    ("create", "invalid payload", "Invalid payload"),
    ("create", "geçersiz istek", "Geçersiz istek"),
    ("create", "insufficient balance", "Insufficient balance"),
    ("create", "yetersiz bakiye", "Yetersiz bakiye"),
    ("cancel", "delivered", "A delivered order cannot be cancelled"),
    ("cancel", "teslim edildi", "Teslim edilmiş sipariş iptal edilemez"),
)
_REFUSING: Final = (200, 400)
"""The statuses that a refusal comes under."""


def _failed(status: int, message: str, data: Json | None = None) -> Reply:
    return Reply(status, {"data": data, "success": False, "message": message})


def _rows() -> Iterator[Documented]:
    for operation in _CALLS:
        for status, message in _EVERYWHERE:
            yield Documented(operation, str(status), _failed(status, message))
    for status in _REFUSING:
        for reason in _REASONS:
            item = {"ProductID": 3, "Quantity": 1, "StoreName": "Store", "reason": reason}
            data: Json = {"OrderID": 0, "details": [], "items": [item]}
            reply = _failed(status, "Basket refused", data)
            yield Documented("create", f"{status} {reason}", reply)
        for operation, name, message in _MESSAGES:
            yield Documented(operation, f"{status} {name}", _failed(status, message))
        yield Documented("login", f"{status} refused", _failed(status, "Not an API customer"))
    nothing: Json = {"data": {"OrderID": 9, "details": [], "items": None}, "success": True}
    yield Documented(
        "create", "200 no details", Reply(200, nothing | {"message": "OK"}), executes=True
    )


DOCUMENTED: Final = tuple(_rows())
