"""The OpenAPI document: what FastAPI cannot read off the functions, said here.

Bodies are read as bytes, so that what was sent is kept as it was; their schemas are the contract's.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from schemas import contract
from schemas.gateway import (
    Alive,
    Error,
    Gone,
    NothingTaken,
    Ready,
    TakenCancel,
    TakenIntents,
    ToldOrder,
)
from schemas.intents.registry import INTENT

Answers = dict[int | str, dict[str, Any]]

_EXAMPLE: Final = {
    "intent_id": "100045",
    "provider": "hyperteknoloji",
    "quote": {"quoted_at": "2026-11-22T10:00:00Z", "max_total": "19.90", "currency": "TRY"},
    "lines": [{"deliver_id": "100045-1", "quantity": 1, "customer_store_product_id": 1}],
}

_AGAIN: Final = {
    "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait before."}
}


def _error(description: str, model: Any = Error, **more: Any) -> dict[str, Any]:
    return {"model": model, "description": description, **more}


_ANY: Final[Answers] = {
    408: _error("The request came too slowly."),
    429: _error("Too many in a minute.", headers=_AGAIN),
    503: _error("A server is away. Nothing was lost: try again.", headers=_AGAIN),
}
_KEYED: Final[Answers] = {401: _error("No living API key."), **_ANY}

CALLBACK_ANSWERS: Final[Answers] = {
    200: {
        "description": "It was taken; in the words that this provider wants.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
    400: {
        "description": "The provider's own proof is missing or wrong; in its words.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
    404: _error("No URL of ours, for whatever reason."),
    413: _error("More than 256 KiB."),
    422: _error("Never: whatever it says is taken."),
    **_ANY,
}
INTENTS_ANSWERS: Final[Answers] = {
    202: {"model": TakenIntents, "description": "Each with its entry, or with its fault."},
    413: _error("More than 1 MiB."),
    422: _error("None can become an order, and why.", NothingTaken),
    **_KEYED,
    429: _error(
        "Too many in a minute (`too_many`), or so many of your orders are open that no other one"
        " is taken in now (`too_many_open`); repeats are.",
        headers=_AGAIN,
    ),
}
WISH_ANSWERS: Final[Answers] = {
    202: {"model": TakenCancel, "description": "It is on your stream."},
    404: _error("No such path: an id in one has no line break."),
    413: _error("More than 4 KiB."),
    422: _error("It cannot be read, and where."),
    **_KEYED,
}
ORDER_ANSWERS: Final[Answers] = {
    200: {"model": ToldOrder, "description": "The order."},
    404: _error("You have no such order."),
    410: _error("It ended long ago, and how.", Gone),
    422: _error("No such parameter, or not like this."),
    **_KEYED,
}
ALIVE_ANSWERS: Final[Answers] = {200: {"model": Alive, "description": "It serves."}, 503: _ANY[503]}
READY_ANSWERS: Final[Answers] = {
    200: {"model": Ready, "description": "It can take in."},
    503: {"model": Ready, "description": "It cannot: Redis is away."},
}

_INTENT: Final = {"$ref": "#/components/schemas/Intent"}

CALLBACK_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "description": "Whatever the provider says.",
        "content": {"application/json": {"schema": {}}},
    }
}
INTENTS_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        _INTENT,
                        {"type": "array", "items": _INTENT, "minItems": 1, "maxItems": 100},
                    ]
                },
                "examples": {
                    "one": {"value": _EXAMPLE},
                    "batch": {"value": [_EXAMPLE, _EXAMPLE | {"intent_id": "100046"}]},
                },
            }
        },
    }
}
CANCEL_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"reason": {"type": "string", "maxLength": 300}},
                    "additionalProperties": False,
                },
                "example": {"reason": "the customer changed her mind"},
            }
        },
    }
}

_SILENT: Final[TelemetryConfig] = {
    "auto_configure": False,
    "logs": False,
    "metrics": False,
    "operation_spans": False,
    "tracing": False,
}

DESCRIPTION: Final = """
Turns **order intents** into orders with providers, at most once, and tells what became of each
DeliverID by signed webhooks. This is the door for producers that cannot reach Redis, and for
providers that call back.

- Producers show an **API key**: `Authorization: Bearer olk_…`.
- Whatever you are unsure of, **send it again**: `intent_id` names one order for ever.
- 202 means that it lies on your stream, not that it was bought: webhooks tell that.
- Every error has one shape: `{"error": {"code", "detail", "path"}}`. `code` is for programs, `path`
  is the place in what you sent; what you sent is never repeated.
- 429 and 503 say in `Retry-After` when to come again.
"""


def add_document(app: FastAPI) -> None:
    """Complete the application's document, once, with the contract of intents."""
    made: dict[str, Any] = {}
    usual = app.openapi

    def document() -> dict[str, Any]:
        if not made:
            made.update(_completed(usual()))
        return made

    app.openapi = document  # type: ignore[method-assign] # FastAPI's documented way


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    intent = INTENT.json_schema(ref_template="#/components/schemas/{model}")
    parts: Mapping[str, Any] = intent.pop("$defs", {})
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for answered in schemas.values():  # fields may be added to what we answer
        answered.pop("additionalProperties", None)
    schemas.update(parts)
    schemas["Intent"] = intent
    for operations in document["paths"].values():
        for operation in operations.values():
            for answer in operation["responses"].values():
                answer.setdefault("description", "")
    return json.loads(json.dumps(document))  # type: ignore[no-any-return] # a document of JSON


def an_app(**more: Any) -> FastAPI:
    """An application with title and description, and none of FastAPI's own pages.

    Nor its telemetry, which would tell whole paths, bodies and what exceptions say.
    """
    return FastAPI(
        title="Orderline",
        version=contract.VERSION,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        telemetry=_SILENT,
        openapi_tags=[
            {"name": "intents", "description": "Ask for orders, and call them off."},
            {"name": "orders", "description": "See how they stand."},
            {"name": "callbacks", "description": "For providers only."},
            {"name": "health", "description": "For probes."},
        ],
        **more,
    )
