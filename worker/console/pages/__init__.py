"""The pages, one module a subject; each says which doors lead to it."""

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
from worker.console.routes import Door

DOORS: Final[tuple[Door, ...]] = (
    *signing.DOORS,
    *overview.DOORS,
    *orders.DOORS,
    *waiting.DOORS,
    *quarantine.DOORS,
    *notifications.DOORS,
    *endpoints.DOORS,
    *accounts.DOORS,
    *books.DOORS,
    *audit.DOORS,
)
"""Every door there is."""
