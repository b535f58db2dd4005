"""What every request passes, in one place: who is it, may they, and was it meant.

A route only says who may take it (``routes``). Whatever goes wrong behind it is answered here by a
page that says so and nothing more.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from worker.console.forms import Form, read_form
from worker.console.held import Console
from worker.console.refusals import Forbidden, page_of
from worker.console.routes import PREFIX, Method, Needs, Route
from worker.console.sessions import is_from_here, is_ours, token_in
from worker.console.visit import Visit
from worker.logs import get_logger
from worker.store import operators
from worker.store.operators import SignedIn
from worker.store.tables_operators import Role

_SHARE: Final = 0.8
"""Of the gateway's time for a request: the rest is for saying that it was too little."""

HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    # With "no-referrer" a browser would not say where a form comes from, either.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
}
"""On every answer that does not say otherwise."""

Endpoint = Callable[[Request], Awaitable[Response]]

log = get_logger(__name__)


def guarded(route: Route) -> Endpoint:
    """What is behind a route, for those who may take it."""

    async def endpoint(request: Request) -> Response:
        # The gateway's line names the route, never the path.
        request.scope["route"] = SimpleNamespace(path=f"{PREFIX}{route.path}")
        console: Console = request.state.console
        limit = console.settings.gateway_timeout.total_seconds() * _SHARE
        visit = Visit(request=request, console=console)
        try:
            async with asyncio.timeout(limit):
                answer = await _let_in(route, visit)
        except Exception as error:  # noqa: BLE001 -- what is unexpected is logged, and says nothing
            answer = page_of(error, visit)
        return with_headers(answer)

    return endpoint


def with_headers(answer: Response) -> Response:
    """The answer, with what every answer bears."""
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


async def _let_in(route: Route, visit: Visit) -> Response:
    request = visit.request
    acts = route.method is not Method.GET
    if acts and not is_from_here(request):
        raise Forbidden("This did not come from a page of the console.")
    form = await read_form(request) if acts else Form()
    if route.needs is Needs.NOBODY:
        return await route.handler(Visit(request=request, console=visit.console, form=form))
    token = token_in(request)
    who = None if token is None else await operators.who(visit.db, token)
    if token is None or who is None:
        return _sign_in_first(route, request)
    allowed = Visit(request=request, console=visit.console, who=who, token=token, form=form)
    if acts and not is_ours(token, form.get("csrf")):
        raise Forbidden("This page is too old: go back, load it anew, and try again.", allowed)
    if route.needs is Needs.OPERATE and who.role is not Role.OPERATE:
        raise Forbidden("Your role is to look; deciding takes the role operate.", allowed)
    await _note_seen(route, visit, token, who)
    try:
        return await route.handler(allowed)
    except Exception as error:  # noqa: BLE001 -- as above; only this page knows who is signed in
        return page_of(error, allowed)


async def _note_seen(route: Route, visit: Visit, token: str, who: SignedIn) -> None:
    if who.stale and not route.idle:
        await operators.seen(visit.db, token)


def _sign_in_first(route: Route, request: Request) -> Response:
    if route.method is not Method.GET:
        raise Forbidden("You are not signed in any more: sign in, and try again.")
    if route.idle:
        return Response(status_code=401)
    query = f"?{request.url.query}" if request.url.query else ""
    wanted = quote(f"{request.url.path}{query}", safe="")
    return RedirectResponse(f"{PREFIX}/login?next={wanted}", 303)
