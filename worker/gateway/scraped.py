"""``/metrics``, for Prometheus: what this process counts, and what the database and Redis know.

Numbers tell how a business goes, so not everybody may see them. Whoever shows the token may. Where
there is none, this machine may; but what a proxy passes on comes from this machine, too. So without
a token nobody is answered once there is any sign of a proxy.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response

from schemas.gateway import ErrorCode
from worker.gateway.gate import gate_of
from worker.gateway.refusals import not_found, refused
from worker.metrics.exposing import CONTENT_TYPE, PATH, exposed, may_read
from worker.settings import Settings

_PASSED_ON: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Headers that a proxy adds."""
_HERE: Final = frozenset({"127.0.0.1", "::1", "localhost"})

router = APIRouter()


@router.get(PATH, include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Everything, as text. Of what cannot be read now there is nothing."""
    gate = gate_of(request)
    token = gate.settings.metrics_token
    if token is None:
        if not _is_at_home(request, gate.settings):
            raise not_found()
    elif not may_read(token.get_secret_value(), request.headers.get("authorization")):
        refusal = refused(401, ErrorCode.UNAUTHORIZED, "The token for metrics belongs here.")
        refusal.headers["www-authenticate"] = "Bearer"
        raise refusal
    await gate.standing.look()
    return Response(exposed(gate.standing, gate.meters), media_type=CONTENT_TYPE)


def _is_at_home(request: Request, settings: Settings) -> bool:
    """Whether somebody on this machine asks us, and nobody else through a proxy of it."""
    reached_from_outside = settings.gateway_proxies.strip() or not _is_here(settings.public_url)
    if reached_from_outside or any(name in request.headers for name in _PASSED_ON):
        return False
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _is_here(url: str | None) -> bool:
    return not url or urlsplit(url).hostname in _HERE
