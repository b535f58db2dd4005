"""Is it alive, and how it is to be used. The page for people needs nothing from the internet."""

import asyncio
import base64
import re
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

import fastapi_offline
from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from redis.exceptions import RedisError
from sqlalchemy import text

from schemas.gateway import Alive, Ready
from worker.gateway.gate import PATIENCE, Gate, gate_of
from worker.gateway.openapi import ALIVE_ANSWERS, READY_ANSWERS
from worker.gateway.refusals import answer

ASSETS: Final = "/assets"

_INLINE: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)

router = APIRouter(tags=["health"])


@router.get(
    "/healthz", summary="The process serves", responses=ALIVE_ANSWERS, operation_id="is_alive"
)
async def is_alive() -> Response:
    """Whether the process serves; asks nobody else. For restarting it."""
    return answer(Alive())


@router.get("/readyz", summary="It can take in", responses=READY_ANSWERS, operation_id="is_ready")
async def is_ready(request: Request) -> Response:
    """Whether Redis answers, without which nothing can be taken in. For sending traffic here.

    How the database is, is told, and makes no difference: callbacks and intents come in without it.
    """
    gate = gate_of(request)
    redis, database = await asyncio.gather(_redis(gate), _database(gate))
    return answer(Ready(redis=redis, database=database), 200 if redis == "up" else 503)


@router.get("/docs", include_in_schema=False)
async def docs() -> HTMLResponse:
    """The page for people."""
    return _page()


def assets() -> StaticFiles:
    """The page's script and style, as the package that brings them ships them."""
    return StaticFiles(directory=Path(fastapi_offline.__file__).parent / "static")


async def _redis(gate: Gate) -> Literal["up", "away"]:
    try:
        await gate.redis.ping()
    except (RedisError, OSError):
        return "away"
    return "up"


async def _database(gate: Gate) -> Literal["up", "away"]:
    try:
        async with asyncio.timeout(PATIENCE), gate.db.reading() as connection:
            await connection.execute(text("SELECT 1"))
    except Exception:  # noqa: BLE001 -- whatever it is, it is not up
        return "away"
    return "up"


def _page() -> HTMLResponse:
    """Swagger UI, allowed to run its own script, our few lines that start it, and nothing else."""
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Orderline",
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url="data:,",
        swagger_ui_parameters={"defaultModelsExpandDepth": 0},
    )
    scripts = _INLINE.findall(bytes(page.body).decode())
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    page.headers["content-security-policy"] = (
        f"default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )
    return page


def _digest(script: str) -> str:
    return base64.b64encode(sha256(script.encode()).digest()).decode()
