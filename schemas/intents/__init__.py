"""What a producer must say: the intent, one body per provider, and the strict reader.

A new provider is one module here and one line in ``registry``.
"""

from schemas.intents.envelope import Envelope, Line, Priority
from schemas.intents.faults import FaultCode, IntentFault
from schemas.intents.parts import Personal, PersonalData
from schemas.intents.quote import Quote, check_window, window
from schemas.intents.reader import (
    ReadIntent,
    erased,
    intent_id_in,
    json_schema,
    load_intent,
    masked,
    read_intent,
)
from schemas.intents.registry import Intent

__all__ = [
    "Envelope",
    "FaultCode",
    "Intent",
    "IntentFault",
    "Line",
    "Personal",
    "PersonalData",
    "Priority",
    "Quote",
    "ReadIntent",
    "check_window",
    "erased",
    "intent_id_in",
    "json_schema",
    "load_intent",
    "masked",
    "read_intent",
    "window",
]
