"""Reading what is sent, and not a byte more than is allowed."""

from typing import Final

from fastapi import Request

from schemas.gateway import ErrorCode
from worker.gateway.refusals import Refused, refused

CALLBACK_BYTES: Final = 256 * 1024
INTENTS_BYTES: Final = 1024 * 1024
WISH_BYTES: Final = 4 * 1024


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body as it was sent. Raises ``Refused`` where it is above ``limit`` bytes.

    As much again is read and thrown away before that is said: who is cut off while he still sends
    may never see the answer.
    """
    declared = request.headers.get("content-length", "0")
    if len(declared) > len(str(limit)) or int(declared) > limit:
        raise _too_large(limit)
    body, length = bytearray(), 0
    async for chunk in request.stream():
        length += len(chunk)
        if length <= limit:
            body += chunk
        elif length > 2 * limit:
            break
    if length > limit:
        raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> Refused:
    refusal = refused(413, ErrorCode.TOO_LARGE, f"At most {limit} bytes are taken here.")
    refusal.headers["connection"] = "close"  # the rest of it is not read
    return refusal
