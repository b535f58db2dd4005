"""A wish to call an order off, as it stands in the ``cancel`` field of a producer's stream.

It is read as strictly as an intent. What came of it is told for each DeliverID of the order:
``line.cancelled``, or ``line.cancel_refused`` with the reason.
"""

from typing import Annotated, Any

from pydantic import Field, ValidationError

from schemas.intents.envelope import Producer
from schemas.intents.faults import fault_of
from schemas.intents.parts import Name, Part
from schemas.intents.reader import read_object


class Cancel(Part):
    """Call the order of one intent off, if that is still possible."""

    intent_id: Name
    """The intent's id, as it was sent."""
    producer: Producer
    """Who asks. May be left out on a stream, whose key names the producer."""
    reason: Annotated[str, Field(max_length=300)] | None = None
    """Why, for the people who read the order's story."""


def read_cancel(raw: bytes, *, producer: str) -> Cancel:
    """Read one wish as it came from the stream of ``producer``. Raises ``IntentFault``."""
    document: dict[str, Any] = read_object(raw, producer=producer)
    try:
        return Cancel.model_validate(document)
    except ValidationError as error:
        fault = fault_of(error, document, tagged=False)
    # Raised out here so that pydantic's error, which holds the input, is not chained to it.
    raise fault
