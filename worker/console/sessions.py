"""The cookie by which a browser is known again, and the token in each form that came from us.

A session's token is random and only the browser has it; the database keeps its digest. The token
of the forms follows from it, so no other site can know it, and it ends with the session.
"""

import base64
import hmac
import os
from hashlib import sha256
from typing import Final

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import Response

from worker.store.operators import LASTS

_SECURE: Final = "__Host-orderline"
"""By that name a browser takes it over https only, from this host only."""
_PLAIN: Final = "orderline"
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PURPOSE: Final = b"orderline console form"


def new_token() -> str:
    """A token that nobody guesses."""
    return base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()


def csrf_of(token: str) -> str:
    """What the forms of a session bear."""
    return hmac.new(token.encode(), _PURPOSE, sha256).hexdigest()


def is_ours(token: str, said: str) -> bool:
    """Whether a form bears what those of this session do. Constant time."""
    return hmac.compare_digest(csrf_of(token).encode(), said.encode())


def token_in(request: Request) -> str | None:
    """The token that a browser sent."""
    return request.cookies.get(_SECURE if _is_https(request) else _PLAIN) or None


def may_sign_in(request: Request) -> bool:
    """Whether a password may come this way: over https, or from this very machine."""
    return _is_https(request) or _host(request).hostname in _HERE


def remember(request: Request, response: Response, token: str) -> None:
    """Have the browser keep a token; it is gone when the browser is closed."""
    secure = _is_https(request)
    response.set_cookie(
        _SECURE if secure else _PLAIN,
        token,
        max_age=int(LASTS.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def forget(request: Request, response: Response) -> None:
    """Have the browser forget it."""
    secure = _is_https(request)
    response.delete_cookie(
        _SECURE if secure else _PLAIN, path="/", secure=secure, httponly=True, samesite="lax"
    )


def is_from_here(request: Request) -> bool:
    """Whether a form was sent by a page of this very site, as far as the browser says.

    Each browser of today says one of the two; who says neither is none.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is None and origin is None:
        return False
    if site not in {None, "same-origin"}:
        return False
    return origin is None or URL(origin).netloc == request.headers.get("host")


def _is_https(request: Request) -> bool:
    return request.url.scheme == "https"


def _host(request: Request) -> URL:
    return URL(f"//{request.headers.get('host', '')}")
