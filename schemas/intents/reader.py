"""The strict reader: bytes from a stream in, an intent or one ``IntentFault`` out.

Nothing else is ever raised, whatever the bytes are: a bad intent must not stop a worker.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from pydantic import ValidationError

from schemas import jsontext
from schemas.intents.faults import FaultCode, IntentFault, fault_of
from schemas.intents.parts import ERASE, MASK
from schemas.intents.registry import INTENT, Intent
from schemas.intents.urls import check_url


@dataclass(frozen=True, slots=True)
class ReadIntent:
    """An intent as it was understood and as it is kept.

    ``document`` is its normal form, ready for ``jsonb``: our field names, defaults written
    out, amounts and moments as strings. It holds personal data in clear.

    ``fingerprint`` tells a repeat from other content: the SHA-256, in hex, of the canonical
    JSON of the object *as received*. So order of keys, spaces, escapes and the spelling of a
    number (``1.0``, ``1.00``) do not matter; ``"1.0"`` and ``"1.00"`` are different strings,
    and ``DeliverID`` is another key than ``deliver_id``.
    """

    intent: Intent
    document: dict[str, Any] = field(repr=False)
    fingerprint: str


def read_intent(
    raw: bytes, *, producer: str | None, development_hosts: frozenset[str] = frozenset()
) -> ReadIntent:
    """Read one intent as it came from the stream of ``producer``. Raises ``IntentFault``.

    The body may leave ``producer`` out; one that names another is refused. ``None`` is for
    text that came from no stream: then the body must say it. ``development_hosts`` are those
    that may be notified without TLS and on private addresses (see ``schemas.intents.urls``).
    """
    body = _object(raw)
    intent = _validated(body if producer is None else _signed(body, producer))
    if intent.notify_url is not None:
        refused = check_url(intent.notify_url, development_hosts)
        if refused is not None:
            raise IntentFault(
                FaultCode.INSECURE_URL, "notify_url", f"No notification may go there: {refused}"
            )
    return ReadIntent(
        intent=intent,
        document=intent.model_dump(mode="json"),
        fingerprint=sha256(jsontext.canonical(body)).hexdigest(),
    )


def load_intent(document: Mapping[str, Any]) -> Intent:
    """The intent whose ``document`` was kept. Raises ``IntentFault`` if it no longer is one."""
    return _validated(document)


def masked(intent: Intent) -> dict[str, Any]:
    """The intent for people's eyes, as JSON-able values: personal data shows as ``…``."""
    return intent.model_dump(mode="json", context=MASK)


def erased(document: Mapping[str, Any]) -> dict[str, Any]:
    """A kept ``document`` without its personal data: still the document of an intent.

    Raises ``IntentFault`` if it no longer is one, for then nothing says what in it is personal.
    """
    return _validated(document).model_dump(mode="json", context=ERASE)


def json_schema() -> dict[str, Any]:
    """What a producer may put on a stream, as JSON Schema (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Orderline intent",
        "description": "One order a producer asks for, as the `intent` field of a stream entry.",
        **INTENT.json_schema(),
    }


def read_object(raw: bytes, *, producer: str) -> dict[str, Any]:
    """The JSON object in an entry of a producer's stream, with the producer's name in it.

    Raises ``IntentFault``.
    """
    return _signed(_object(raw), producer)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = jsontext.loads(raw)
    except jsontext.JsonFault as error:
        raise IntentFault(FaultCode(error.problem), error.path, error.detail) from None
    if not isinstance(value, dict):
        raise IntentFault(FaultCode.NOT_AN_OBJECT, "", "An intent is one JSON object")
    return value


def _signed(body: dict[str, Any], producer: str) -> dict[str, Any]:
    """The body with the producer whose stream it came from."""
    said = body.get("producer", producer)
    if isinstance(said, str) and said != producer:
        raise IntentFault(
            FaultCode.FOREIGN_PRODUCER, "producer", "A stream takes its own producer's intents only"
        )
    return {**body, "producer": said}


def _validated(document: Mapping[str, Any]) -> Intent:
    try:
        return INTENT.validate_python(document)
    except ValidationError as error:
        fault = fault_of(error, document)
    # Raised out here so that pydantic's error, which holds the input, is not chained to it.
    raise fault
