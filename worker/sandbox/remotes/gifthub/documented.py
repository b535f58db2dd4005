"""The failures that the documentation lists, each as Gifthub answers it.

From the "Create Order" page, https://qaviation.gitbook.io/gifthub-api-doc/orders/confirm-order
and introduction/errors. Wrong or missing credentials are a 403, and business refusals may be a 500.
"""

from typing import Final

from worker.sandbox.remote import Documented, Reply

_FUNDS: Final = "Insufficient wallet funds"
_BY_CALL: Final = (
    ("create", 400, "list too big", "Product list is bigger than allowed"),
    ("create", 400, "list not well formatted", "Product list is not well formatted"),
    ("create", 400, "quote mismatch", "Quote doesn't match SKU"),
    ("create", 400, "quote out of range", "Quote not in range"),
    ("create", 400, "insufficient funds", _FUNDS),
    ("create", 404, "product not found", "Product(s) not found"),
    ("create", 500, "exchange not supported", "Requested exchange not supported"),
    ("create", 500, "out of stock", "Item out of stock"),
    ("create", 500, "other", "Internal server error"),
    ("confirm", 400, "no valid orderId", "No valid orderId"),
    ("confirm", 400, "insufficient funds", _FUNDS),
    ("confirm", 404, "not a pending order", "Not a pending order"),
    ("confirm", 419, "expired", "Expired"),
    ("confirm", 500, "server", "Internal server error"),
)
_BY_ANY: Final = (
    (403, "credentials", "Invalid credentials"),
    (429, "rate limit", "Too many requests"),
)

DOCUMENTED: Final = (
    *(
        Documented(operation, f"{status} {name}", Reply(status, {"message": message}))
        for operation, status, name, message in _BY_CALL
    ),
    *(
        Documented(operation, f"{status} {name}", Reply(status, {"message": message}))
        for operation in ("create", "confirm", "get", "customer")
        for status, name, message in _BY_ANY
    ),
)
