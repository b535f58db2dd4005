"""Every provider's intent, told apart by ``provider``. A new provider is one line here."""

from typing import Annotated, Final

from pydantic import Field, TypeAdapter

from schemas.intents.gifthub import GifthubIntent
from schemas.intents.hyperteknoloji import HyperteknolojiIntent

Intent = Annotated[
    GifthubIntent | HyperteknolojiIntent,
    Field(discriminator="provider"),
]

INTENT: Final[TypeAdapter[Intent]] = TypeAdapter(Intent)
