"""The providers there are. A new one is one line here; everything else of it is found by name.

    schemas/intents/<name>.py            what a producer must say, as ``BODY``
    worker/providers/<name>/             how it is called, as ``ADAPTER``
    worker/sandbox/remotes/<name>/       what it is, simulated, as ``REMOTE``

They are loaded by name rather than imported one by one, so that none of these three places keeps
a list of its own that could disagree with this one.
"""

from importlib import import_module
from typing import Annotated, Any, Final, Union

from pydantic import Field, TypeAdapter

from schemas.intents.envelope import Envelope

PROVIDERS: Final = (
    "adobe_vipm",
    "feedback_company",
    "gifthub",
    "hyperteknoloji",
    "threekit",
)

Intent = Envelope
"""Any provider's intent, told apart by ``provider``."""


def body_of(provider: str) -> type[Envelope]:
    """What an intent for this provider is. Raises ``ModuleNotFoundError`` where it has none."""
    body: type[Envelope] = import_module(f"schemas.intents.{provider}").BODY
    return body


def _any_intent() -> Any:
    """The union of every body, which no type checker can know."""
    bodies: Any = Union[tuple(map(body_of, PROVIDERS))]  # noqa: UP007 -- as many as there are
    return Annotated[bodies, Field(discriminator="provider")]


INTENT: Final[TypeAdapter[Intent]] = TypeAdapter(_any_intent())
