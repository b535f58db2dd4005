"""The pages, one module a subject; each says which routes lead to it."""

from typing import Final

from worker.console.pages import (
    accounts,
    audit,
    books,
    endpoints,
    notifications,
    orders,
    overview,
    quarantine,
    signing,
    waiting,
)
from worker.console.routes import Route

ROUTES: Final[tuple[Route, ...]] = (
    *signing.ROUTES,
    *overview.ROUTES,
    *orders.ROUTES,
    *waiting.ROUTES,
    *quarantine.ROUTES,
    *notifications.ROUTES,
    *endpoints.ROUTES,
    *accounts.ROUTES,
    *books.ROUTES,
    *audit.ROUTES,
)
"""Every route there is."""
