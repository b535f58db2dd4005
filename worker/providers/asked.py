"""What an order asks for, in its provider's own words. May not know any one provider."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from schemas.intents import Envelope, Line, masked
from worker.order import Ordered, OrderedLine

AnyIntent = TypeVar("AnyIntent", bound=Envelope)
AnyLine = TypeVar("AnyLine", bound=Line)


def intent_of(order: Ordered, body: type[AnyIntent]) -> AnyIntent:
    """The order's intent. Raises ``TypeError`` where it is another provider's: our own mistake."""
    if not isinstance(order.intent, body):
        raise TypeError("this order is another provider's")
    return order.intent


def each_line(order: Ordered, wanted: Sequence[AnyLine]) -> Iterator[tuple[OrderedLine, AnyLine]]:
    """Every line of the order beside what its intent wants: ``wanted`` is that intent's lines."""
    return ((line, wanted[line.index]) for line in order.lines)


def present(**fields: Any) -> dict[str, Any]:
    """The fields of a body that have a value: what was not asked for is not sent."""
    return {name: value for name, value in fields.items() if value is not None}


def personal_in(order: Ordered) -> list[str]:
    """Everything in the intent that is about a person: an answer may repeat it.

    Found by what the intent hides when it is shown, so that no field can be forgotten. With it
    comes the order's own URL, and its last part, which only its provider may know.
    """
    url = order.callback_url
    ours = set() if url is None else {url, url.rpartition("/")[2]}
    return sorted(ours | _hidden(order.intent.model_dump(mode="json"), masked(order.intent)))


def _hidden(clear: Any, shown: Any) -> set[str]:
    """The texts in ``clear`` that ``shown``, the same document, does not show."""
    match clear, shown:
        case dict(), dict():
            pairs = [(value, shown[name]) for name, value in clear.items()]
        case list(), list():
            pairs = list(zip(clear, shown, strict=True))
        case _:
            return {clear} if isinstance(clear, str) and clear != shown else set()
    return set().union(*(_hidden(one, other) for one, other in pairs))
