"""Intents and wishes of producers that cannot reach Redis: checked, and put on their streams.

The check is a courtesy, so that a fault is heard at once. What an intent becomes is decided by the
intake alone; what is put here is exactly what was sent.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from schemas import jsonarray, jsontext
from schemas.cancels import read_cancel
from schemas.gateway import (
    Error,
    ErrorCode,
    NothingTaken,
    TakenCancel,
    TakenIntent,
    TakenIntents,
    Told,
)
from schemas.intents import IntentFault, read_intent
from worker.gateway.bodies import INTENTS_BYTES, WISH_BYTES, read_body
from worker.gateway.crowds import AGAIN
from worker.gateway.gate import PATIENCE, Gate, gate_of
from worker.gateway.openapi import CANCEL_BODY, INTENTS_ANSWERS, INTENTS_BODY, WISH_ANSWERS
from worker.gateway.refusals import Refused, answer, refused, told, unavailable
from worker.gateway.signed_in import Producer
from worker.logs import get_logger
from worker.store.intake import EntryKind, known_of
from worker.streams import put, put_all

MOST: Final = 100
"""How many intents a batch has at most."""

log = get_logger(__name__)
router = APIRouter(prefix="/v1/intents", tags=["intents"])


@router.post(
    "",
    status_code=202,
    summary="Ask for orders",
    responses=INTENTS_ANSWERS,
    openapi_extra=INTENTS_BODY,
    operation_id="put_intents",
)
async def put_intents(request: Request, producer: Producer) -> Response:
    """Put one intent, or an array of up to 100, on your stream.

    Each is checked on its own; the good ones are taken, whatever is wrong with the others. Send
    again whatever you are unsure of: `intent_id` names one order for ever, and a repeat finds it.
    What becomes of each DeliverID is told by webhooks. While too many of your orders are open, only
    repeats are taken.
    """
    gate = gate_of(request)
    texts = _cut(await read_body(request, INTENTS_BYTES))
    read = [_read(text, producer, gate) for text in texts]
    good = [text for text, one in zip(texts, read, strict=True) if isinstance(one, str)]
    if not good:
        raise _nothing_taken([one for one in read if isinstance(one, Told)])
    await _make_room(gate, producer, [one for one in read if isinstance(one, str)])
    try:
        entries = iter(await put_all(gate.redis, producer, good))
    except (RedisError, OSError) as error:
        log.warning("intents_not_kept", producer=producer, error=type(error).__name__)
        raise unavailable("The stream") from None
    gate.crowds.put(producer, len(good))
    taken = tuple(
        TakenIntent(index=index, intent_id=one, entry_id=next(entries))
        if isinstance(one, str)
        else TakenIntent(index=index, fault=one)
        for index, one in enumerate(read)
    )
    return answer(TakenIntents(intents=taken), 202)


@router.post(
    "/{intent_id:path}/cancel",  # an id may have a slash in it
    status_code=202,
    summary="Call an order off",
    responses=WISH_ANSWERS,
    openapi_extra=CANCEL_BODY,
    operation_id="put_cancel",
)
async def put_cancel(
    request: Request,
    producer: Producer,
    intent_id: Annotated[str, Path(description="The intent's id, as it was sent.")],
) -> Response:
    """Put the wish to call an intent's order off on your stream.

    The body may say why: `{"reason": "…"}`. Each DeliverID hears `line.cancelled`, or
    `line.cancel_refused` with the reason.
    """
    gate = gate_of(request)
    wish = _wish(await read_body(request, WISH_BYTES), intent_id, producer)
    try:
        entry_id = await put(gate.redis, producer, wish, EntryKind.CANCEL)
    except (RedisError, OSError) as error:
        log.warning("intents_not_kept", producer=producer, error=type(error).__name__)
        raise unavailable("The stream") from None
    return answer(TakenCancel(intent_id=intent_id, entry_id=entry_id), 202)


def _cut(body: bytes) -> Sequence[bytes]:
    """The intents of a body, each as it was sent. Raises ``Refused``."""
    if not jsonarray.is_array(body):
        return [body]
    try:
        texts = jsonarray.cut(body)
    except jsontext.JsonFault as fault:
        raise Refused(422, Error(error=Told(code=fault.problem, detail=fault.detail))) from None
    if not 0 < len(texts) <= MOST:
        raise refused(422, ErrorCode.BAD_REQUEST, f"A batch has 1 to {MOST} intents")
    return texts


def _read(text: bytes, producer: str, gate: Gate) -> str | Told:
    """The id of a good intent, or what is wrong with it."""
    hosts = gate.settings.development_host_set
    try:
        return read_intent(text, producer=producer, development_hosts=hosts).intent.intent_id
    except IntentFault as fault:
        return told(fault)


async def _make_room(gate: Gate, producer: str, intent_ids: Sequence[str]) -> None:
    """Turn away what is new while too many orders are open. Raises ``Refused``.

    The last ones that there is room for may be joined by the rest of their batch: those the intake
    sets aside.
    """
    room = gate.crowds.room_of(producer)
    if room is None or not room.is_full:
        return
    try:
        async with asyncio.timeout(PATIENCE):
            known = await known_of(gate.db, producer, intent_ids)
    except (TimeoutError, OSError, SQLAlchemyError):
        return
    if known.issuperset(intent_ids):
        return
    detail = (
        f"{room.open} of your orders are open or wait to be, and {room.most} may be; come again"
        " when some of them have ended"
    )
    raise refused(429, ErrorCode.TOO_MANY_OPEN, detail, again=AGAIN)


def _nothing_taken(faults: Sequence[Told]) -> Refused:
    if len(faults) == 1:
        return Refused(422, Error(error=faults[0]))
    detail = "None of these intents can become an order; each says why"
    taken = tuple(TakenIntent(index=index, fault=one) for index, one in enumerate(faults))
    error = Told(code=ErrorCode.NOTHING_TAKEN, detail=detail)
    return Refused(422, NothingTaken(error=error, intents=taken))


def _wish(body: bytes, intent_id: str, producer: str) -> bytes:
    """The wish as it is put on the stream. Raises ``Refused``."""
    try:
        said = jsontext.loads(body) if body.strip() else {}
        if not isinstance(said, dict):
            raise refused(422, ErrorCode.BAD_REQUEST, "A wish is one JSON object")
        wish = jsontext.canonical({**said, "intent_id": intent_id})
        read_cancel(wish, producer=producer)
    except jsontext.JsonFault as fault:
        error = Told(code=fault.problem, detail=fault.detail, path=fault.path or None)
    except IntentFault as fault:
        error = told(fault)
    else:
        return wish
    raise Refused(422, Error(error=error))
