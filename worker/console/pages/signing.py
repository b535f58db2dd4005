"""Signing in and out."""

from typing import Final

from starlette.responses import RedirectResponse, Response

from worker.console.refusals import Forbidden
from worker.console.routes import PREFIX, Method, Needs, Route
from worker.console.sessions import forget, may_sign_in, new_token, remember
from worker.console.visit import Visit
from worker.logs import get_logger
from worker.operating.hand import Hand
from worker.store import operators
from worker.store.deeds import Act
from worker.store.tables_operators import Via

_LONGEST_NAME: Final = 64
_WRONG: Final = "That name and password do not go together, or the name gets in no more."
_NOT_SAFE: Final = (
    "A password would be readable on its way. Open the console over https (and name the proxy that"
    " speaks it in ORDERLINE_GATEWAY_PROXIES), or on this machine as localhost."
)

log = get_logger(__name__)


async def ask(visit: Visit) -> Response:
    """The page that asks who it is."""
    safe = may_sign_in(visit.request)
    return _page(visit, wanted=_safe(visit.asked("next")), fault=None if safe else _NOT_SAFE)


async def sign_in(visit: Visit) -> Response:
    """See whether a name and a password go together; unknown names are answered as any other."""
    request, form = visit.request, visit.form
    if not may_sign_in(request):
        raise Forbidden(_NOT_SAFE)
    name = form.get("name").strip().lower()[:_LONGEST_NAME]
    address = request.client.host if request.client else None
    await visit.console.tries.count(name, address)
    kept = await operators.password_hash_of(visit.db, name)
    good = await visit.console.tries.fits(kept, form.get("password"))
    token, deed = new_token(), Hand(name, Via.CONSOLE).deed(Act.SIGNED_IN)
    if not (
        good and kept is not None and await operators.sign_in(visit.db, token, name, kept, deed)
    ):
        log.warning("sign_in_refused")
        return _page(visit, wanted=_safe(form.get("next")), fault=_WRONG, status=403)
    await visit.console.tries.forget(name)
    answer = RedirectResponse(_safe(form.get("next")), 303)
    remember(request, answer, token)
    return answer


async def sign_out(visit: Visit) -> Response:
    """End this session."""
    await operators.sign_out(visit.db, visit.token, visit.hand.deed(Act.SIGNED_OUT))
    answer = visit.see("/login")
    forget(visit.request, answer)
    return answer


def _page(visit: Visit, *, wanted: str, fault: str | None, status: int = 200) -> Response:
    return visit.page("sign_in.html", status, wanted=wanted, fault=fault)


def _safe(wanted: str | None) -> str:
    """A page of ours, whatever was asked for."""
    home = f"{PREFIX}/"
    if not wanted or not wanted.startswith(home) or not wanted.isascii():
        return home
    plain = wanted.isprintable() and "\\" not in wanted and "//" not in wanted
    return wanted if plain else home


ROUTES: Final = (
    Route(Method.GET, "/login", ask, Needs.NOBODY),
    Route(Method.POST, "/login", sign_in, Needs.NOBODY),
    Route(Method.POST, "/logout", sign_out, Needs.VIEW),
)
