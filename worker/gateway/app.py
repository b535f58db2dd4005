"""The application, put together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from worker.gateway import callbacks, intents, orders, pages, scraped
from worker.gateway.front import Front
from worker.gateway.gate import check_settings, open_gate
from worker.gateway.openapi import add_document, an_app
from worker.gateway.refusals import add_handlers
from worker.settings import Settings


def create_app(settings: Settings) -> ASGIApp:
    """The gateway of an installation, for any ASGI server. Raises ``SettingsError``."""
    check_settings(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with open_gate(settings) as gate:
            yield {"gate": gate}

    app = an_app(lifespan=lifespan)
    for part in (intents, orders, callbacks, pages, scraped):
        app.include_router(part.router)
    app.mount(pages.ASSETS, pages.assets(), "assets")
    add_handlers(app)
    add_document(app)
    return Front(app)
