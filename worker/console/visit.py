"""One request that was let in, and the answers it may get."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from schemas.ids import read_uuid
from worker.console.forms import Form
from worker.console.held import Console
from worker.console.render import render
from worker.console.sessions import csrf_of
from worker.errors import NotFound
from worker.operating.hand import Hand
from worker.operating.words import Unfit
from worker.store.operators import SignedIn
from worker.store.session import Database
from worker.store.tables_operators import Role, Via

_LONGEST: Final = 500
_NOWHERE: Final = SignedIn("", Role.VIEW, stale=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request, who makes it, and what came with it. Nobody is ``who`` before signing in."""

    request: Request
    console: Console
    who: SignedIn = _NOWHERE
    token: str = field(default="", repr=False)
    form: Form = field(default_factory=Form)

    @property
    def db(self) -> Database:
        """The database."""
        return self.console.db

    @property
    def hand(self) -> Hand:
        """Whose name stands beside what is done: that of who is signed in."""
        return Hand(self.who.name, Via.CONSOLE)

    @property
    def may_operate(self) -> bool:
        """Whether there is more to do than to look."""
        return self.who.role is Role.OPERATE

    def part(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def id_in(self, name: str) -> UUID:
        """A part of the path that is an id. Raises ``NotFound``."""
        found = read_uuid(self.part(name))
        if found is None:
            raise NotFound("There is nothing here.")
        return found

    def asked(self, name: str) -> str | None:
        """A word of the query, ``None`` where there is none. Raises ``Unfit``."""
        said = self.request.query_params.get(name, "").strip()
        if len(said) > _LONGEST or "\0" in said:
            raise Unfit(f"{name} cannot be that")
        return said or None

    def asked_id(self, name: str) -> UUID | None:
        """An id in the query."""
        said = self.asked(name)
        return None if said is None else read_uuid(said)

    def page(self, template: str, status: int = 200, **what: Any) -> Response:
        """A page, made of a template."""
        return Response(self.text(template, what), status, media_type="text/html")

    def text(self, template: str, what: Mapping[str, Any]) -> str:
        """What a template comes to for this visit."""
        query = self.request.query_params
        return render(
            template,
            {
                "path": self.request.scope.get("path", ""),
                "query": query,
                "who": self.who if self.who.name else None,
                "may_operate": self.may_operate,
                "csrf": csrf_of(self.token) if self.token else "",
                "done": query.get("done"),
                **what,
            },
        )

    def done(self, where: str, what: str) -> Response:
        """Look at what became of it; the page says ``what`` was done, by a word it knows."""
        mark = "&" if "?" in where else "?"
        return self.see(f"{where}{mark}done={what}")

    def see(self, where: str) -> Response:
        """Look at another page of ours."""
        return RedirectResponse(f"{self.request.scope['root_path']}{where}", 303)

    def facts(self, facts: Mapping[str, Any]) -> Response:
        """For a page's script."""
        return JSONResponse(dict(facts))
