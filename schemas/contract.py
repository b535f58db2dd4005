"""The contract with producers, document by document: what they may say, and what they are told.

``orderline schema`` prints any of these; ``docs/contract`` keeps them all. What a producer says is
closed: a field that nobody knows is refused, for it would be lost in silence. What a producer is
told is open: fields and types may be added, so a reader passes over what it does not know.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from schemas import intents, notifications
from schemas.cancels import Cancel
from schemas.intents.registry import PROVIDERS, body_of
from schemas.notifications import EventType, Notice, NoticeType, Notification

VERSION: Final = "v1"
"""Of everything here together. It changes only where an old producer could no longer go on."""
_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def documents() -> dict[str, dict[str, Any]]:
    """Every document by its name: JSON Schemas (draft 2020-12), each complete in itself.

    Names are ``intent``, ``intent.<provider>``, ``cancel``, ``notification`` and
    ``notification.<type>``.
    """
    return {
        **_said(),
        "notification": _document("notification", notifications.json_schema()),
        **{f"notification.{kind}": _told(Notification, kind) for kind in EventType},
        **{f"notification.{kind}": _told(Notice, kind) for kind in NoticeType},
    }


def _said() -> dict[str, dict[str, Any]]:
    wish = {
        "title": "Orderline cancel",
        "description": "A wish to call an order off, as the `cancel` field of a stream entry.",
    }
    wanted = Cancel.model_json_schema()
    # As in an intent: a stream's key stands in for the producer's name.
    wanted["required"].remove("producer")
    return {
        "intent": _document("intent", intents.json_schema()),
        **{
            f"intent.{provider}": _document(
                f"intent.{provider}", body_of(provider).model_json_schema()
            )
            for provider in PROVIDERS
        },
        "cancel": _document("cancel", wanted | wish),
    }


def _told(message: type[BaseModel], kind: EventType | NoticeType) -> dict[str, Any]:
    """The schema of one type of webhook."""
    schema = notifications.opened(message.model_json_schema(mode="serialization"))
    schema["properties"]["type"] = {"const": str(kind)}
    schema["title"] = f"Orderline notification {kind}"
    del schema["$defs"][type(kind).__name__]
    if isinstance(kind, EventType) and kind is not EventType.LINE_CANCEL_REFUSED:
        state = schema["$defs"]["LineNews"]["properties"]["state"]
        state["const"] = kind.partition(".")[2]
    return _document(f"notification.{kind}", schema)


def _document(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that says its draft and its name, the version in it."""
    return {
        "$schema": _DRAFT,
        "$id": f"urn:orderline:{VERSION}:{name}",
        **{key: said for key, said in schema.items() if key != "$schema"},
    }
