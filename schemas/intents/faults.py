"""Why an intent cannot become an order: the code, the exact path, and what is allowed.

A fault is read by the producer's people, in logs and on pages, so it never repeats a value:
the intent may hold personal data, and a misspelt field may hold some where nobody looks.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from schemas.jsontext import path_of


class FaultCode(StrEnum):
    """The kind of fault. Producers may build on these; the sentence beside it may change."""

    TOO_LARGE = "too_large"
    """It has more bytes than are read."""
    TOO_DEEP = "too_deep"
    """Its arrays and objects are nested too deep."""
    NOT_UTF8 = "not_utf8"
    """It is no text in UTF-8."""
    NOT_JSON = "not_json"
    """It is not JSON."""
    NOT_AN_OBJECT = "not_an_object"
    """It is JSON, and no object."""
    DUPLICATE_KEY = "duplicate_key"
    """An object has one key twice."""
    BAD_NUMBER = "bad_number"
    """A number is too long or too large to be kept exactly, or is none."""
    BAD_TEXT = "bad_text"
    """A text holds characters that do not belong there, or that nobody could store."""
    UNKNOWN_PROVIDER = "unknown_provider"
    """There is no such provider."""
    UNKNOWN_FIELD = "unknown_field"
    """There is no such field at this place."""
    MISSING_FIELD = "missing_field"
    """This field is required here."""
    WRONG_TYPE = "wrong_type"
    """The value is of another kind: a text instead of a number, say."""
    OUT_OF_RANGE = "out_of_range"
    """The value is not one of those that are allowed here."""
    EMPTY_LINES = "empty_lines"
    """There is no line in it."""
    DUPLICATE_DELIVER_ID = "duplicate_deliver_id"
    """Two of its lines have the same ``deliver_id``."""
    DUPLICATE_VALUE = "duplicate_value"
    """Two of its lines say what only one may say."""
    INSECURE_URL = "insecure_url"
    """No notification may go to this URL: it is not https, or not public."""
    FOREIGN_HOST = "foreign_host"
    """Notifications of this producer do not go there."""
    FOREIGN_PRODUCER = "foreign_producer"
    """It names another producer than the one whose stream it came by."""
    UNKNOWN_PRODUCER = "unknown_producer"
    """Nobody registered the producer, so nobody could be told."""
    PRODUCER_DISABLED = "producer_disabled"
    """Nothing is taken from this producer now."""
    TOO_MANY_OPEN = "too_many_open"
    """So many orders of this producer are open that no other one is taken in now."""
    QUOTE_WINDOW = "quote_window"
    """Its quote ends no later than it begins."""
    QUOTE_IN_FUTURE = "quote_in_future"
    """Its ``quoted_at`` lies further ahead than clocks differ."""
    REPEATED_WITH_OTHER_CONTENT = "repeated_with_other_content"
    """The producer used this ``intent_id`` before, for something else."""
    DELIVER_ID_TAKEN = "deliver_id_taken"
    """The producer used this ``deliver_id`` before, in another intent."""
    UNKNOWN_INTENT = "unknown_intent"
    """What is to be called off was never taken in."""
    PURGED_INTENT = "purged_intent"
    """What is to be called off ended so long ago that only its end is still known."""


class IntentFault(Exception):
    """An intent cannot become an order; it goes to quarantine with this.

    ``path`` is empty where the whole intent is at fault.
    """

    def __init__(self, code: FaultCode, path: str, detail: str) -> None:
        super().__init__(code, path, detail)
        self.code = code
        self.path = path
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.path or 'intent'}: {self.detail} ({self.code})"


def broken(code: FaultCode, detail: str, *at: str | int) -> PydanticCustomError:
    """A rule of ours that a validator found broken, ``at`` a place below what it validates.

    ``detail`` must be a constant sentence: see this module's rule about values.
    """
    return PydanticCustomError(code, "{detail}", {"detail": detail, "at": at})


def fault_of(
    error: ValidationError, document: Mapping[str, Any], *, tagged: bool = True
) -> IntentFault:
    """The first fault that pydantic found in ``document``, and how many others there are.

    ``tagged``: the document is an intent, whose body was chosen by its provider.
    """
    found = error.errors(include_url=False, include_input=False)
    first, *others = _without_echoes(found)
    steps = (*_steps(first, document, tagged=tagged), *first.get("ctx", {}).get("at", ()))
    code, detail = _judged(first, steps)
    if others:
        detail += f" (and {len(others)} more: mend this one first)"
    return IntentFault(code, path_of(steps), detail)


_CODES: Final[Mapping[str, FaultCode]] = {
    "missing": FaultCode.MISSING_FIELD,
    "extra_forbidden": FaultCode.UNKNOWN_FIELD,
    "union_tag_not_found": FaultCode.MISSING_FIELD,
}
_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "This field is required",
    "extra_forbidden": "There is no such field here",
    "model_type": "Input should be a JSON object",
    "too_long": "An array of at most {max_length} belongs here",
    "too_short": "An array of at least {min_length} belongs here",
    "tuple_type": "Input should be a JSON array",
    "union_tag_not_found": "This field is required",
}
_QUOTABLE: Final = frozenset(
    {
        "bool_type",
        "decimal_max_digits",
        "decimal_max_places",
        "decimal_whole_digits",
        "enum",
        "greater_than",
        "greater_than_equal",
        "int_type",
        "less_than",
        "less_than_equal",
        "literal_error",
        "string_pattern_mismatch",
        "string_too_long",
        "string_too_short",
        "string_type",
    }
)
"""pydantic's errors whose messages say what is allowed and never what was found."""


def _judged(error: ErrorDetails, steps: tuple[str | int, ...]) -> tuple[FaultCode, str]:
    kind, context = error["type"], error.get("ctx", {})
    if "at" in context:
        return FaultCode(kind), context["detail"]
    if kind == "too_short" and steps == ("lines",):
        return FaultCode.EMPTY_LINES, "An intent has at least one line"
    if kind == "union_tag_invalid":
        code = FaultCode.UNKNOWN_PROVIDER if steps == ("provider",) else FaultCode.OUT_OF_RANGE
        return code, f"This must be one of {context['expected_tags']}"
    wrong_type = kind.endswith(("_type", "_parsing"))
    code = _CODES.get(kind, FaultCode.WRONG_TYPE if wrong_type else FaultCode.OUT_OF_RANGE)
    if kind in _SENTENCES:
        return code, _SENTENCES[kind].format_map(context)
    return code, error["msg"] if kind in _QUOTABLE else "This value is not allowed here"


def _without_echoes(found: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out arrays that are called too short only because wrong items did not count."""
    around = {one["loc"][:depth] for one in found for depth in range(len(one["loc"]))}
    return [one for one in found if one["type"] != "too_short" or one["loc"] not in around]


def _steps(
    error: ErrorDetails, document: Mapping[str, Any], *, tagged: bool
) -> Iterator[str | int]:
    """Where the error is in the document: its location without pydantic's union tags.

    The first tag is the provider, where there are tags. Below it a step is one of the document's
    own keys or indexes; only a field that is missing is none, and comes last.
    """
    here: Any = document
    for step in error["loc"][1 if tagged else 0 :]:
        known = isinstance(here, Mapping) and step in here
        if known or (isinstance(here, list) and isinstance(step, int)):
            here = here[step]
            yield step
    if error["type"] == "missing":
        yield error["loc"][-1]
    elif error["type"].startswith("union_tag_"):
        yield error["ctx"]["discriminator"].strip("'")
