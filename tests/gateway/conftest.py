"""The gateway over real HTTP, on a port of this machine, with real servers behind it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from schemas.ids import OrderId, new_uuid
from worker.crypto import Vault
from worker.gateway import serving
from worker.gateway.keys import REFRESH
from worker.order_tokens import CallbackUrls
from worker.runtime import open_tokens, open_vault
from worker.settings import Settings
from worker.store import api_keys, producers
from worker.store.session import Database
from worker.streams import CALLBACKS, stream_of

APIKEY = "tenant-key-4711"
CARD = "CARD-4711-0815"
NOWHERE = "redis://127.0.0.1:1/0"
ACCOUNTS: dict[str, dict[str, dict[str, str]]] = {
    "hyperteknoloji": {
        "default": {"callback_api_key": APIKEY},
        "keyless": {"base_url": "https://tenant.example"},
    },
    "gifthub": {"default": {"base_url": "https://gifthub.example"}},
    "threekit": {"default": {"base_url": "https://threekit.example"}},
}


@dataclass
class Door:
    """A gateway that serves, and what a test does with it."""

    settings: Settings
    http: httpx.AsyncClient
    redis: Redis
    key: str = field(default="", repr=False)

    @property
    def vault(self) -> Vault:
        return open_vault(self.settings)

    @property
    def signed_in(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}

    def path(self, provider: str, order_id: OrderId | None = None, account: str = "default") -> str:
        urls = CallbackUrls("", open_tokens(self.settings), provider, account)
        return urls.url_of(order_id or OrderId(new_uuid()))

    async def callback(self, path: str, body: Any = b"{}", apikey: str | None = APIKEY) -> Any:
        headers = {} if apikey is None else {"apikey": apikey}
        return await self.http.post(path, content=body, headers=headers)

    async def ask(self, method: str, path: str, **what: Any) -> httpx.Response:
        headers = self.signed_in | what.pop("headers", {})
        return await self.http.request(method, path, headers=headers, **what)

    async def heard(self) -> list[dict[str, str]]:
        """What lies on the callbacks' stream, its bodies opened."""
        entries = await self.entries(CALLBACKS)
        return [
            {
                **{k.decode(): v.decode() for k, v in fields.items() if k != b"sealed"},
                "body": self.vault.unseal(fields[b"sealed"]).decode(errors="replace"),
            }
            for fields in entries
        ]

    async def put(self, producer: str = "shop") -> list[tuple[str, bytes]]:
        """What lies on a producer's stream: the field and what it says."""
        entries = await self.entries(stream_of(producer))
        return [(k.decode(), v) for fields in entries for k, v in fields.items()]

    async def entries(self, stream: str) -> list[dict[bytes, bytes]]:
        found: Any = await self.redis.xrange(stream)
        return [fields for _, fields in found]


@asynccontextmanager
async def serving_at(settings: Settings, listening: socket.socket) -> AsyncIterator[str]:
    """Serve on this socket, on the test's own loop."""
    server = serving.a_server(settings, "127.0.0.1", 0)
    # The part below ``serve`` that leaves the test runner's signals alone.
    running = asyncio.create_task(server._serve([listening]))
    while not server.started:
        await asyncio.sleep(0.005)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await running


@asynccontextmanager
async def a_door(settings: Settings, redis_url: str, key: str = "") -> AsyncIterator[Door]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with (
            serving_at(settings, listening) as url,
            httpx.AsyncClient(base_url=url, timeout=20) as http,
            Redis.from_url(redis_url) as redis,
        ):
            yield Door(settings, http, redis, key)


Opener = Callable[..., Any]


@pytest.fixture
def a_gateway(database_url: str, redis_url: str) -> Opener:
    """Open a gateway with settings of one's own."""

    def open_one(key: str = "", **more: Any) -> Any:
        given: dict[str, Any] = {
            "database_url": database_url,
            "redis_url": redis_url,
            "encryption_keys": Vault.new_key(),
            "accounts": ACCOUNTS,
            "grace": 1,
        }
        return a_door(Settings(_env_file=None, **given | more), redis_url, key)

    return open_one


@pytest.fixture
async def api_key(db: Database, vault: Vault) -> str:
    """A living key of the producer ``shop``; there is another producer, ``other``."""
    for name in ("shop", "other"):
        url = f"https://{name}.example/hooks"
        await producers.add(db, vault, name=name, notify_url=url, secret="whsec_c2VjcmV0")
    key = api_keys.new_key()
    await api_keys.add(db, "shop", key)
    return key


@pytest.fixture
async def door(a_gateway: Opener, api_key: str) -> AsyncIterator[Door]:
    async with a_gateway(api_key) as opened:
        await until_known(opened)
        yield opened


@pytest.fixture
def one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates count within one minute, however the test lies to the clock's minutes.

    Over the turn of a minute a sliding count lets one more through.
    """
    middle = SimpleNamespace(time=lambda: 60 * 1_000_000 + 30)
    monkeypatch.setattr("limits.aio.storage.memory.time", middle)


async def until_known(door: Door) -> None:
    """Until the gateway has read the keys."""
    await until(lambda: _is_known(door))


async def _is_known(door: Door) -> bool:
    answer = await door.ask("GET", "/v1/orders?intent_id=nothing")
    return answer.status_code not in {401, 503}


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(REFRESH * 5):
        while not await holds():
            await asyncio.sleep(0.02)
