"""Whose API key a request bears. The front has read it; here nobody passes without one."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from schemas.gateway import ErrorCode
from worker.gateway.refusals import Refused, refused

_SCHEME = HTTPBearer(
    auto_error=False,
    scheme_name="api_key",
    bearerFormat="olk_…",
    description="An API key of yours; `orderline api-keys add` makes one.",
)


def _producer(request: Request, _: Annotated[object, Depends(_SCHEME)]) -> str:
    producer: str | None = getattr(request.state, "producer", None)
    if producer is None:
        raise _unknown()
    return producer


def _unknown() -> Refused:
    detail = "A living API key belongs here: Authorization: Bearer olk_…"
    refusal = refused(401, ErrorCode.UNAUTHORIZED, detail)
    refusal.headers["www-authenticate"] = "Bearer"
    return refusal


Producer = Annotated[str, Depends(_producer)]
"""The producer whose key it is."""
