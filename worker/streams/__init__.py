"""The stream doors: where intents and callbacks are put, and how batches of them are read.

    door        reading and removing, the same for every stream
    intents     one stream per producer
    callbacks   what providers said by themselves, one stream for all
    access      what a producer's Redis user may do
    memory      how full Redis is

Rules that keep promise P1 here: a group starts at 0 and is made again when Redis forgot it;
nothing is ever trimmed; an entry leaves its stream only after its commit. So *every entry still
in a stream is unprocessed*, whatever the group's pending list says. Redis 6.2 is the floor.
"""

from worker.streams.callbacks import CALLBACKS, CallbackStream, put_callback
from worker.streams.door import GROUP, lag
from worker.streams.intents import (
    INTENTS,
    UNNAMED,
    IntentStreams,
    put,
    put_all,
    put_unread,
    strangers,
    stream_of,
    waiting,
)
from worker.streams.memory import Memory, MemoryWatch, read_memory

__all__ = [
    "CALLBACKS",
    "GROUP",
    "INTENTS",
    "UNNAMED",
    "CallbackStream",
    "IntentStreams",
    "Memory",
    "MemoryWatch",
    "lag",
    "put",
    "put_all",
    "put_callback",
    "put_unread",
    "read_memory",
    "strangers",
    "stream_of",
    "waiting",
]
