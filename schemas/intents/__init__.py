"""What a producer must say: the intent, one body per provider, and the strict reader.

A new provider is one module here, one line in ``registry`` and its name below.
"""

from schemas.intents.envelope import Envelope, Line
from schemas.intents.faults import FaultCode, IntentFault
from schemas.intents.gifthub import GifthubIntent, GifthubLine
from schemas.intents.hyperteknoloji import HyperteknolojiIntent, HyperteknolojiLine, RequireData
from schemas.intents.parts import Personal, PersonalData
from schemas.intents.quote import Quote, check_window, window
from schemas.intents.reader import ReadIntent, json_schema, load_intent, masked, read_intent
from schemas.intents.registry import Intent

__all__ = [
    "Envelope",
    "FaultCode",
    "GifthubIntent",
    "GifthubLine",
    "HyperteknolojiIntent",
    "HyperteknolojiLine",
    "Intent",
    "IntentFault",
    "Line",
    "Personal",
    "PersonalData",
    "Quote",
    "ReadIntent",
    "RequireData",
    "check_window",
    "json_schema",
    "load_intent",
    "masked",
    "read_intent",
    "window",
]
