"""The base of every message: frozen, strict, and closed against unknown fields."""

from pydantic import BaseModel, ConfigDict


class Schema(BaseModel):
    """A message that crosses our border.

    ``strict`` because a producer's ``"1"`` for a number is a mistake that somebody should
    hear about; ``extra="forbid"`` because a misspelt optional field would be lost in silence.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")
