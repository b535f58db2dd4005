"""The application, put together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from starlette.types import ASGIApp

from worker.console.app import a_console
from worker.console.held import open_console
from worker.console.routes import PREFIX
from worker.gateway import callbacks, intents, orders, pages, scraped
from worker.gateway.front import Front
from worker.gateway.gate import check_settings, open_gate
from worker.gateway.openapi import add_document, an_app
from worker.gateway.refusals import add_handlers
from worker.settings import Settings

_PARTS: Final = (intents, orders, callbacks, pages, scraped)


def document() -> dict[str, Any]:
    """The OpenAPI document, the same for every installation."""
    app = an_app()
    for part in _PARTS:
        app.include_router(part.router)
    add_document(app)
    return app.openapi()


def create_app(settings: Settings) -> ASGIApp:
    """The gateway of an installation, for any ASGI server. Raises ``SettingsError``."""
    check_settings(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with AsyncExitStack() as stack:
            gate = await stack.enter_async_context(open_gate(settings))
            state: dict[str, Any] = {"gate": gate}
            if settings.console:
                console = open_console(settings, gate.db, gate.vault)
                state["console"] = await stack.enter_async_context(console)
            yield state

    app = an_app(lifespan=lifespan)
    for part in _PARTS:
        app.include_router(part.router)
    if settings.console:
        app.mount(PREFIX, a_console(), "console")
    app.mount(pages.ASSETS, pages.assets(), "assets")
    add_handlers(app)
    add_document(app)
    return Front(app)
