"""The application that the gateway mounts, put together."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from starlette import routing
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from worker.console.guard import HEADERS, guarded, with_headers
from worker.console.pages import ROUTES
from worker.console.refusals import Said, nothing_here
from worker.console.visit import Visit

STATIC: Final = "/static"
_KEPT: Final[Mapping[str, str]] = {**HEADERS, "cache-control": "public, max-age=86400"}
"""Of our style and script, which are asked for by what they hold."""


def a_console() -> Starlette:
    """The console. It finds what it needs in the state of a request, under ``console``."""
    routes = [
        routing.Route(
            route.path, guarded(route), methods=[route.method], name=f"{route.method} {route.path}"
        )
        for route in ROUTES
    ]
    files = _Static(directory=Path(__file__).parent / "static")
    return Starlette(
        routes=[*routes, routing.Mount(STATIC, files, name="static")],
        exception_handlers={HTTPException: _of_framework},
    )


class _Static(StaticFiles):
    """Our own style and script."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def kept(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.decode() for name, _ in message["headers"]}
                more = [(n.encode(), v.encode()) for n, v in _KEPT.items() if n not in given]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await super().__call__(scope, receive, kept)


async def _of_framework(request: Request, error: Exception) -> Response:
    """A path that leads nowhere, or a way that is none."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    said = nothing_here() if status == 404 else Said(status, "Not like this", "Go back.")  # noqa: PLR2004 -- HTTP's
    visit = Visit(request=request, console=request.state.console)
    answer = visit.page("refused.html", said.status, said=said)
    if isinstance(error, HTTPException):
        answer.headers.update(error.headers or {})
    return with_headers(answer)
