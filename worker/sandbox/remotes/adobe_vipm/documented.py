"""Every failure that the documentation lists and an order can meet, with a message like Adobe's."""

from typing import Final

from worker.sandbox.remote import Documented, Json, Reply

CREATE: Final = "create"
PREVIEW: Final = "preview"
RETURN: Final = "return"

CODES: Final = (
    (400, "1117", "Invalid fields"),
    (400, "1119", "Fields are not editable"),
    (400, "1121", "Unexpected fields"),
    (400, "1122", "Missing required fields"),
    (400, "1123", "Duplicate externalReferenceId"),
    (500, "1124", "Internal server error"),
    (404, "1115", "Invalid reseller"),
    (404, "1116", "Invalid customer"),
    (400, "1132", "Invalid search value"),
    (400, "1133", "Offset is out of range"),
    (400, "1135", "Minimum quantity is not reached"),
    (400, "1139", "Partner is not authorised for global sales"),
    (400, "1140", "Customer is not set up for global sales"),
    (400, "1142", "Market segment has no global sales"),
    (404, "2115", "Invalid customer or order"),
    (400, "2116", "Order cannot be cancelled: invalid status"),
    (400, "2117", "Order cannot be cancelled: the window has closed"),
    (400, "2118", "Order was cancelled already"),
    (400, "2119", "Too many line items"),
    (400, "2120", "Quantity is out of range"),
    (400, "2121", "Duplicate line item number"),
    (400, "2122", "Invalid offer"),
    (400, "2123", "Line item number is out of range"),
    (400, "2124", "Distributor may not sell this program"),
    (400, "2125", "Distributor may not sell in this currency"),
    (400, "2126", "externalReferenceId is too long"),
    (400, "2127", "Cancellation is not allowed"),
    (400, "2128", "Currency is invalid for the offer"),
    (400, "2129", "Customer is not eligible for the offer"),
    (400, "2130", "Return: the offer does not match"),
    (400, "2131", "Return: the line item number does not match"),
    (400, "2132", "Return: the quantity does not match"),
    (400, "2133", "Return: the line item was returned already"),
    (400, "2134", "Return: the line item can no longer be returned"),
    (400, "2136", "Renewal settings need auto-renewal"),
    (400, "2137", "Currencies are not aligned"),
    (404, "2138", "Invalid deployment"),
    (400, "2139", "Deployment is not allowed"),
    (400, "2140", "Currency is set on the order and on its lines"),
    (400, "2141", "Customer does not qualify for the flexible discount"),
    (400, "2142", "Flexible discount is used up"),
    (400, "2144", "Flexible discount cannot be combined"),
    (400, "2145", "Flexible discount needs the base offer"),
    (400, "2146", "Unknown flexible discount"),
    (400, "2147", "More than one flexible discount for a line item"),
    (400, "2148", "No pricing for several currencies"),
    (400, "2149", "Switch plan: rule 1"),
    (400, "2150", "Switch plan: rule 2"),
    (400, "2151", "Switch plan: rule 3"),
    (400, "2152", "Switch plan: rule 4"),
    (400, "2153", "Switch plan: rule 5"),
    (400, "2154", "Switch plan: rule 6"),
    (400, "2164", "Renewal is not possible"),
    (400, "2166", "Flexible discount is for three-year commitments only"),
    (404, "3115", "Invalid customer or subscription"),
    (400, "3115", "Invalid customer or subscription"),
    (400, "3121", "No subscription can be renewed"),
    (400, "3122", "Outside the renewal window"),
    (400, "3123", "Offer has expired"),
    (400, "3131", "Early renewal is in progress"),
    (400, "3132", "Subscription cannot be renewed"),
    (400, "3133", "Subscription was renewed already"),
    (403, "4115", "API key is invalid"),
    (401, "4116", "Invalid authorization token"),
    (403, "4117", "Authorization token is missing"),
    (429, "4118", "Too many requests"),
    (400, "4119", "Correlation id is missing or invalid"),
    (400, "4120", "Duplicate request id"),
    (403, "4121", "Action is not allowed"),
    (400, "4122", "Already being processed"),
    (400, "5122", "Order placement is currently unavailable"),
    (400, "5133", "Quantity is below the minimum of the offer"),
    (400, "5135", "Invalid discount code"),
    (422, "RETURN_QTY_EXCEEDS_REMAINING", "More than the remaining quantity"),
    (422, "RETURN_NOT_SUPPORTED_MOQ_SKU", "Offers with a minimum quantity cannot be returned"),
    (422, "RETURN_NOT_SUPPORTED_SWITCH_ORDER", "Switch orders cannot be returned"),
    (422, "RETURN_VIOLATES_3YC_MCQ", "Less than the committed quantity would remain"),
)
"""Pages "Error handling" and "Flexible discounts: error codes"; 1135 and 3123 are known from
practice alone, and so is that 3122 comes with a 400."""

MESSAGES: Final = {code: (status, message) for status, code, message in CODES}

GATEWAY: Final = (
    (401, "401013", "Oauth token is not valid"),
    (403, "403010", "Oauth token is missing."),
    (403, "403003", "Api Key is invalid"),
    (429, "429050", "Too many requests"),
    (502, "502003", "Bad gateway"),
    (503, "503000", "Service unavailable"),
    (504, "504000", "Gateway timeout"),
)
"""Answers of the gateway before the API; its bodies name an ``error_code`` (from practice)."""


def error(code: str, *details: str, status: int | None = None) -> Reply:
    """One of the API's own failures; ``details`` are what it says beside the message."""
    usual, message = MESSAGES[code]
    body: Json = {"code": code, "message": message}
    if details:
        body["additionalDetails"] = list(details)
    return Reply(status or usual, body)


def gateway_error(status: int, code: str, message: str) -> Reply:
    """A failure of the gateway."""
    return Reply(status, {"error_code": code, "message": message})


ACCESS: Final = frozenset({"1124", "4115", "4116", "4117", "4118", "4121"})
"""Codes that any question can meet."""
QUESTIONS: Final = {
    "list": ACCESS | {"1115", "1116", "1132", "1133", "4119", "4120"},
    "get": ACCESS | {"2115", "2148", "4119", "4120"},
    "ping": ACCESS,
}
LOGIN: Final = (
    (400, "invalid_request"),
    (400, "unsupported_grant_type"),
    (400, "invalid_scope"),
    (401, "invalid_client"),
    (403, "unauthorized_client"),
    (429, "too_many_requests"),
)
"""Of the identity service, which speaks OAuth."""


def _rows(operation: str) -> tuple[Documented, ...]:
    known = QUESTIONS.get(operation)
    own = (
        Documented(operation, f"{status} {code}", error(code, status=status))
        for status, code, _ in CODES
        if known is None or code in known
    )
    gateways = (
        Documented(operation, f"gateway {code}", gateway_error(status, code, message))
        for status, code, message in GATEWAY
    )
    return (*own, *gateways)


def _refused_logins() -> tuple[Documented, ...]:
    said = "The client was not let in"
    return tuple(
        Documented("login", word, Reply(status, {"error": word, "error_description": said}))
        for status, word in LOGIN
    )


DOCUMENTED: Final = (
    *(row for name in (CREATE, PREVIEW, RETURN, *QUESTIONS) for row in _rows(name)),
    *_refused_logins(),
)
