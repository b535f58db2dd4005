"""The console over real HTTP, with a real database in which something of everything happened."""

import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.builders import an_intent
from tests.cli.world import World, delivered
from tests.gateway.conftest import serving_at
from worker.capabilities import Capabilities, Doubt
from worker.console.sessions import csrf_of, new_token
from worker.crypto import Vault
from worker.operating.hand import Hand
from worker.operating.passwords import hash_of
from worker.outcome import Confirmed, Evidence, InDoubt
from worker.sandbox import Sandbox
from worker.settings import Settings
from worker.store import attempts, operators, pauses
from worker.store.claimed import peek
from worker.store.deeds import Act
from worker.store.session import Database
from worker.store.tables_operators import Role, Via

PASSWORD = "correct horse battery"
NO_WAY = Capabilities(after_place=Doubt.NONE)
CUT = InDoubt("the line was cut", Evidence(504, "ref-at-theirs", '{"message": "Bad gateway"}'))
CODE = "XK42-PRZ9"
PLAYER = "12341234"

RUN = """
INSERT INTO reconciliations (id, provider, account, since, asked_by, state, ended_at, reason)
VALUES ('01a204c6-0000-7000-8000-000000000001', 'hyperteknoloji', 'default', now(), '{by}',
    'failed', now(), '{reason}')
"""
DIFFERENCE = """
INSERT INTO differences (id, provider, account, kind, rule, order_id, provider_ref, line, ours,
    theirs, found_in, seen_in)
SELECT '01a204c6-0000-7000-8000-000000000002', 'hyperteknoloji', 'default', 'missing_here',
    'report', NULL, 'stranger-1', '', '{ours}', 'placed', id, id FROM reconciliations
"""


@cache
def kept_password() -> str:
    """Hashed once for all tests: it takes its time, on purpose."""
    return hash_of(PASSWORD)


@dataclass
class Pages:
    """Somebody at a browser, without one."""

    http: httpx.AsyncClient
    db: Database
    token: str = field(default="", repr=False)

    async def look(self, path: str, status: int = 200) -> str:
        answer = await self.http.get(f"/ops{path}")
        assert answer.status_code == status, (path, answer.status_code, answer.text[:2000])
        return answer.text

    async def act(self, path: str, **fields: str) -> httpx.Response:
        """Send a form as a page of ours does, and be sent on to what it did."""
        return await self.send(path, 303, fields)

    async def refused(self, path: str, status: int, **fields: str) -> str:
        """Send one that is answered by a page at once."""
        return (await self.send(path, status, fields)).text

    async def send(self, path: str, status: int, fields: Mapping[str, str]) -> httpx.Response:
        answer = await self.http.post(
            f"/ops{path}",
            data={"csrf": csrf_of(self.token), **fields},
            headers={"sec-fetch-site": "same-origin"},
        )
        assert answer.status_code == status, (path, answer.status_code, answer.text[:2000])
        return answer

    async def follow(self, path: str, **fields: str) -> str:
        """Act, and look at the page that says what was done."""
        answer = await self.act(path, **fields)
        followed = await self.http.get(answer.headers["location"])
        assert followed.status_code == 200
        return followed.text

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with self.db.reading() as connection:
            return list((await connection.execute(text(sql), values)).all())


@dataclass(frozen=True)
class Somethings:
    """The ids of what there is one of."""

    parked: str
    delivered: str
    accepted: str
    entry: str
    notification: str
    difference: str = "01a204c6-0000-7000-8000-000000000002"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture
def settings(database_url: str, redis_url: str, sandbox: Sandbox) -> Settings:
    given: dict[str, Any] = {
        "database_url": database_url,
        "redis_url": redis_url,
        "encryption_keys": Vault.new_key(),
        "accounts": {"hyperteknoloji": sandbox.account_settings()["hyperteknoloji"]},
        "grace": 1,
    }
    return Settings(_env_file=None, **given)


@pytest.fixture
async def world(db: Database, settings: Settings) -> World:
    """A world with one producer, ``shop``."""
    world = World(db, Vault([settings.encryption_keys.get_secret_value()]), settings)
    await world.register()
    return world


@pytest.fixture
async def somethings(world: World) -> Somethings:
    """One of everything there is to see."""
    return await make_somethings(world)


async def make_somethings(world: World, words: str = "said") -> Somethings:
    """Orders in three states, a surplus one, an entry in quarantine, a notification given up, a
    difference, a pause. ``words`` stand wherever others may write."""
    quoted = words.replace("'", "''").replace(":", r"\:")
    asked = an_intent(f"{words}-1", intent_id=f"p-{words}")
    asked["lines"][0]["require_data"] = [
        {"product_require_id": 1, "identifier": "userid", "value": PLAYER}
    ]
    [parked] = (await world.accept(asked)).fresh
    await world.place(InDoubt(words, Evidence(504, words, words)), NO_WAY)
    await world.execute("UPDATE attempts SET sent_at = sent_at - interval '1 hour'")
    [claimed] = await peek(world.db, world.vault, [parked.order_id])
    assert claimed.attempt is not None
    await attempts.note_late(world.db, claimed.attempt, Confirmed(words), "late", None)
    [ended] = (await world.accept(an_intent("d-1", intent_id="d"))).fresh
    tried = await world.attempt(await world.claim())
    await world.settle(tried, delivered(tried.order.lines[0].line_ref, code=CODE))
    await world.tell(code=None, error=words)
    await world.execute("UPDATE notifications SET state = 'exhausted', due_at = NULL")
    [fresh] = (await world.accept(an_intent("a-1", intent_id="a"))).fresh
    await world.accept({**an_intent("q-1", intent_id="q"), words: words})
    await world.execute(RUN.format(by=quoted, reason=quoted))
    await world.execute(DIFFERENCE.format(ours=quoted))
    await world.execute(
        f"UPDATE lines SET reason = '{quoted}',"  # noqa: S608 -- a test's own
        f" details = jsonb_build_object('{quoted}', '{quoted}'),"
        f" provider_line_ref = CASE state WHEN 'delivered' THEN '{quoted}' END"
        " WHERE state <> 'waiting'"
    )
    await pauses.pause(world.db, ("hyperteknoloji", "default"), None, by=words, why=words)
    async with world.db.reading() as connection:
        [entry] = (await connection.execute(text("SELECT id FROM quarantine"))).scalars()
        [notification] = (
            await connection.execute(
                text("SELECT event_id FROM notifications WHERE state = 'exhausted' LIMIT 1")
            )
        ).scalars()
    return Somethings(
        parked=str(parked.order_id),
        delivered=str(ended.order_id),
        accepted=str(fresh.order_id),
        entry=str(entry),
        notification=str(notification),
    )


async def register(db: Database, name: str, role: Role) -> str:
    """An operator who is signed in; the token of the session."""
    deed = Hand("root", Via.COMMAND).deed(Act.OPERATOR_ADDED, about=name)
    await operators.add(db, name, role, kept_password(), deed)
    token = new_token()
    signed = Hand(name, Via.CONSOLE).deed(Act.SIGNED_IN)
    assert await operators.sign_in(db, token, name, kept_password(), signed)
    return token


@asynccontextmanager
async def open_pages(
    settings: Settings, db: Database, token: str = "", **options: Any
) -> AsyncIterator[Pages]:
    """A gateway that serves, and somebody at its console."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with (
            serving_at(settings, listening) as url,
            httpx.AsyncClient(
                base_url=url,
                timeout=20,
                cookies={"orderline": token} if token else {},
                **options,
            ) as http,
        ):
            yield Pages(http, db, token)


@pytest.fixture
async def ada(settings: Settings, world: World) -> AsyncIterator[Pages]:
    """Somebody who operates."""
    token = await register(world.db, "ada", Role.OPERATE)
    async with open_pages(settings, world.db, token) as pages:
        yield pages


@pytest.fixture
async def vera(settings: Settings, world: World) -> AsyncIterator[Pages]:
    """Somebody who may only look."""
    token = await register(world.db, "vera", Role.VIEW)
    async with open_pages(settings, world.db, token) as pages:
        yield pages


@pytest.fixture
async def nobody(settings: Settings, world: World) -> AsyncIterator[Pages]:
    """Somebody who is not signed in."""
    async with open_pages(settings, world.db) as pages:
        yield pages


def parts_of(told: Somethings) -> Mapping[str, str]:
    """What stands in for a part of a path."""
    return {
        "order_id": told.parked,
        "entry_id": told.entry,
        "event_id": told.notification,
        "difference_id": told.difference,
        "provider": "hyperteknoloji",
        "account": "default",
    }


def filled(path: str, told: Somethings) -> str:
    """A route's path with something in its parts."""
    return re.sub(r"\{(\w+)\}", lambda part: parts_of(told)[part[1]], path)
