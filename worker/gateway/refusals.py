"""The one shape of every error. Nothing that was sent is ever repeated in one."""

from collections.abc import Mapping
from typing import Any, Final

import pydantic_core
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from schemas.gateway import Error, ErrorCode, Told
from schemas.intents import IntentFault
from schemas.jsontext import path_of
from worker.errors import OrderlineError

AGAIN: Final = 5
"""Seconds after which whoever met an outage may ask again."""

_JSON: Final = "application/json"
_GONE_AWAY: Final = 499
"""Nobody is there to be answered; only the log says it."""


class Refused(OrderlineError):
    """A request is not carried out; ``body`` says why."""

    def __init__(self, status: int, body: Error, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(body.error.detail)
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


def refused(
    status: int, code: ErrorCode, detail: str, path: str | None = None, *, again: int | None = None
) -> Refused:
    """A refusal. ``again`` is after how many seconds it may be tried once more."""
    headers = {} if again is None else {"retry-after": str(again)}
    return Refused(status, Error(error=Told(code=code, detail=detail, path=path or None)), headers)


def not_found(detail: str = "There is nothing here.") -> Refused:
    """The same for everything that is not known."""
    return refused(404, ErrorCode.NOT_FOUND, detail)


def unavailable(what: str) -> Refused:
    """A server of ours is away; nothing was lost, and it may be tried again."""
    return refused(503, ErrorCode.UNAVAILABLE, f"{what} is away; try again.", again=AGAIN)


def told(fault: IntentFault) -> Told:
    """A fault of an intent, as it is answered."""
    return Told(code=fault.code, detail=fault.detail, path=fault.path or None)


def answer(
    body: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer without what has no value."""
    said = pydantic_core.to_json(body, exclude_none=True)
    return Response(said, status, dict(headers or {}), media_type=_JSON)


def answer_refused(refusal: Refused) -> Response:
    """A refusal as it is answered."""
    return answer(refusal.body, refusal.status, refusal.headers)


def add_handlers(app: FastAPI) -> None:
    """Have every error of the application told in the one shape."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _of_framework)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ClientDisconnect, _gone_away)
    app.add_exception_handler(Exception, _failed)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 -- what it is registered for
    return answer_refused(error)


async def _of_framework(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 -- what it is registered for
    kinds = {
        404: not_found(),
        405: refused(405, ErrorCode.METHOD_NOT_ALLOWED, "This is asked for in another way."),
    }
    refusal = kinds.get(error.status_code) or refused(
        error.status_code, ErrorCode.BAD_REQUEST, "This cannot be understood."
    )
    return answer(refusal.body, refusal.status, error.headers)


async def _invalid(_: Request, error: Exception) -> Response:
    """A parameter that is none. Only its name is told, which is ours."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- what it is registered for
    steps: list[Any] = [step for fault in error.errors()[:1] for step in fault["loc"][1:]]
    detail = "This value is not allowed here"
    return answer_refused(refused(422, ErrorCode.BAD_REQUEST, detail, path_of(steps)))


async def _gone_away(_: Request, __: Exception) -> Response:
    return Response(status_code=_GONE_AWAY)


async def _failed(_: Request, __: Exception) -> Response:
    return answer_refused(internal())


def internal() -> Refused:
    """Our own mistake. What it was is in the log."""
    return refused(500, ErrorCode.INTERNAL, "Something went wrong here; it was noted.")
