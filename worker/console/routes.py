"""A route's declaration. Who may take it is said here and nowhere else; ``guard`` sees to it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from starlette.responses import Response

from worker.console.visit import Visit

PREFIX: Final = "/ops"
"""Where the gateway has the console."""

Handler = Callable[[Visit], Awaitable[Response]]


class Method(StrEnum):
    """Looking changes nothing; acting does."""

    GET = "GET"
    POST = "POST"


class Needs(StrEnum):
    """Who may take a route."""

    NOBODY = "nobody"
    """Anybody: signing in."""
    VIEW = "view"
    """Whoever is signed in."""
    OPERATE = "operate"
    """Whoever is signed in, in that role."""


@dataclass(frozen=True, slots=True)
class Route:
    """One route."""

    method: Method
    path: str
    """Below ``PREFIX``."""
    handler: Handler
    needs: Needs
    idle: bool = False
    """A page's script takes it by itself: that keeps nobody signed in."""


def page(path: str, handler: Handler) -> Route:
    """Something to look at, for everybody who is signed in."""
    return Route(Method.GET, path, handler, Needs.VIEW)


def live(path: str, handler: Handler) -> Route:
    """Something that a page's script looks at by itself."""
    return Route(Method.GET, path, handler, Needs.VIEW, idle=True)


def action(path: str, handler: Handler) -> Route:
    """Something to do: for those who operate."""
    return Route(Method.POST, path, handler, Needs.OPERATE)
