"""``/_sandbox``: the sandbox seen and moved from outside, for demos, benchmarks and chaos.

GET  state      what every remote holds (``?rows=0`` for the counts alone)
GET  journal    the calls so far (``?remote=``, ``?last=`` how many, 1000 by default)
GET  magic      the documented magic values of every remote
GET  accounts   settings of one account per remote
POST reset      forget everything
POST outage     {"remote": "...", "seconds": n or null, "mode": "refuse" | "503" | "dark"}
POST tamper     {"remote": "...", "change": "remove" | "status" | "price" | "copy" | "add",
                 "order_id": "..." or "ref": "...", "to": "..." for status and price,
                 "shelf": "..." for add}; answers {"orders": [ids]}
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Final, Protocol

from aiohttp import web

from worker.sandbox.books import Books
from worker.sandbox.journal import Journal
from worker.sandbox.remotes import REMOTES, magic_values
from worker.sandbox.wire import json_response

Page = Callable[[web.BaseRequest], Awaitable[web.Response]]
CONTROL: Final = "_sandbox"


class Controlled(Protocol):
    """A sandbox, as far as it is seen and moved from outside."""

    books: Books
    journal: Journal

    def account_settings(self) -> dict[str, dict[str, dict[str, str]]]:
        """Settings of one account per remote."""

    def reset(self) -> None:
        """Forget everything."""

    async def outage(self, remote: str, mode: str, seconds: float | None) -> None:
        """Take a remote away."""

    def tamper(
        self,
        remote: str,
        change: str,
        *,
        order_id: str | None = None,
        ref: str | None = None,
        to: str | int | Decimal | None = None,
        shelf: str | None = None,
    ) -> list[str]:
        """Change a remote's books."""


class Control:
    """The control pages of one sandbox."""

    def __init__(self, sandbox: Controlled) -> None:
        self._sandbox = sandbox
        self._pages: dict[tuple[str, str], Page] = {
            ("GET", "state"): self._state,
            ("GET", "journal"): self._journal,
            ("GET", "magic"): self._magic,
            ("GET", "accounts"): self._accounts,
            ("POST", "reset"): self._reset,
            ("POST", "outage"): self._outage,
            ("POST", "tamper"): self._tamper,
        }

    async def answer(self, request: web.BaseRequest, path: str) -> web.Response:
        """Answer one request below ``/_sandbox/``; anywhere else there is the list of pages."""
        page = self._pages.get((request.method, path.rstrip("/")))
        if page is None:
            return json_response({"message": (__doc__ or "").strip().splitlines()}, 404)
        return await page(request)

    async def _state(self, request: web.BaseRequest) -> web.Response:
        with_rows = request.query.get("rows") != "0"
        return json_response(self._sandbox.books.as_json(with_rows=with_rows))

    async def _magic(self, _: web.BaseRequest) -> web.Response:
        return json_response({remote.name: dict(magic_values(remote.name)) for remote in REMOTES})

    async def _accounts(self, _: web.BaseRequest) -> web.Response:
        return json_response(self._sandbox.account_settings())

    async def _reset(self, _: web.BaseRequest) -> web.Response:
        self._sandbox.reset()
        return json_response({"message": "everything is forgotten"})

    async def _journal(self, request: web.BaseRequest) -> web.Response:
        query = request.query
        last, remote = query.get("last", "1000"), query.get("remote")
        if not last.isdecimal() or last == "0":
            return json_response({"message": "last must be a positive number"}, 400)
        entries = [e for e in self._sandbox.journal.entries if remote in (None, e.remote)]
        return json_response([entry.as_json() for entry in entries[-int(last) :]])

    async def _outage(self, request: web.BaseRequest) -> web.Response:
        try:
            wish: dict[str, Any] = await request.json()
            remote, mode, seconds = wish["remote"], wish.get("mode", "refuse"), wish.get("seconds")
            await self._sandbox.outage(remote, mode, None if seconds is None else float(seconds))
        except (ValueError, TypeError, KeyError, AttributeError) as problem:
            return json_response({"message": f"no such outage: {problem!r}"}, 400)
        return json_response({"message": f"{remote}: {mode}"})

    async def _tamper(self, request: web.BaseRequest) -> web.Response:
        try:
            wish: dict[str, Any] = await request.json()
            changed = self._sandbox.tamper(**wish)
        except (ValueError, TypeError, KeyError) as problem:
            return json_response({"message": f"no such change: {problem!r}"}, 400)
        return json_response({"orders": changed})
