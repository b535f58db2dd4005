"""The examples run as their README says, against real servers, and believe only what is signed."""

import asyncio
import json
import shutil
import sys
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from standardwebhooks import Webhook

from tests.examples.conftest import EXAMPLES, MODULES, ROOT, Shop, documented
from worker.delivery.signing import new_secret

PYTHON = ".venv/bin/python"
"""How the README has the interpreter that runs this."""
PATIENCE = 90


@dataclass(frozen=True, slots=True)
class Program:
    """An example that runs."""

    process: Process
    log: Path

    async def ended(self) -> tuple[list[str], int]:
        """What it has said, line by line, and its exit code."""
        code = await self.process.wait()
        return self.log.read_text(encoding="utf-8").splitlines(), code


@asynccontextmanager
async def running(command: str, shop: Shop, where: Path) -> AsyncIterator[Program]:
    """A line of the README, as a shell runs it. One that does not end tells how far it came."""
    log = shop.works.log("example")
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as output:
        words = ("/bin/sh", "-c", f"exec {command.replace(PYTHON, sys.executable)}")
        process = await asyncio.create_subprocess_exec(
            *words, cwd=where, env=shop.environment, stdout=output, stderr=STDOUT
        )
    try:
        async with asyncio.timeout(PATIENCE):
            yield Program(process, log)
    except TimeoutError:
        due = await shop.works.due()
        raise AssertionError(
            f"{command} has not ended. It said: {log.read_text(encoding='utf-8')}{due}"
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def of_tomorrow(intent_id: str) -> bytes:
    """A webhook of a type and with fields that no program of today can know."""
    data = {
        "intent_id": intent_id,
        "deliver_id": f"{intent_id}-1",
        "sequence": 0,
        "state": "coloured",
        "colour": "red",
    }
    return json.dumps({"type": "line.coloured", "colour": "red", "data": data}).encode()


async def answer_to(url: str, secret: str, body: bytes) -> int:
    """What a program answers to a webhook signed with this secret; it is always the same one."""
    headers = _signed(secret, int(time.time()), body)
    async with httpx.AsyncClient() as http:
        while True:
            try:
                return (await http.post(url, content=body, headers=headers)).status_code
            except httpx.ConnectError:  # it has not begun to listen
                await asyncio.sleep(0.05)


async def orders_and_ends(shop: Shop, command: str, where: Path = ROOT) -> None:
    """Run an example that listens; its last word is the intent's id.

    First it hears a lie, then twice what nobody knows yet, then what becomes of its order.
    """
    intent_id = command.rsplit(maxsplit=1)[-1]
    async with running(command, shop, where) as program:
        body = of_tomorrow(intent_id)
        assert await answer_to(shop.url, new_secret(), body) == 401
        assert [await answer_to(shop.url, shop.secret, body) for _ in range(2)] == [200, 200]
        await shop.works.start_worker("worker")
        await shop.works.start_beat()
        said = [
            f"sent {intent_id}",
            f"line.coloured {intent_id}-1 0",
            f"line.accepted {intent_id}-1 1",
            f"line.delivered {intent_id}-1 2",
        ]
        assert await program.ended() == (said, 0)
    assert await shop.works.one("SELECT state FROM orders") == "fulfilled"


async def test_in_python_over_redis(shop: Shop) -> None:
    [[command]] = documented("Python")
    await orders_and_ends(shop, command)


async def test_in_python_over_celery(shop: Shop) -> None:
    [[command]] = documented("Celery")
    shop.redis_url = shop.works.system.servers.redis_url  # a stream's user may ring no bells
    await orders_and_ends(shop, command)


@pytest.mark.skipif(
    not MODULES.is_dir(), reason="no npm registry was reached: `make examples` tries once more"
)
async def test_under_node(shop: Shop, tmp_path: Path) -> None:
    [[install, command]] = documented("Node")
    assert install == "(cd docs/examples/node && npm ci)"
    here = shutil.copytree(EXAMPLES / "node", tmp_path / "docs" / "examples" / "node")
    (here / "node_modules").symlink_to(MODULES)
    await orders_and_ends(shop, command, tmp_path)


@pytest.mark.skipif(
    not all(map(shutil.which, ("curl", "openssl", "base64", "od"))),
    reason="needs curl and openssl",
)
async def test_with_curl_at_the_gateway_and_openssl(shop: Shop) -> None:
    _, [_, ordering], [verifying] = documented("curl")
    verified: list[bool] = []

    async def hear(request: web.Request) -> web.Response:
        verified.append(
            await _verifies(shop, verifying, dict(request.headers), await request.read())
        )
        return web.Response(status=200 if verified[-1] else 401)

    async with _listening(shop.port, hear):
        shop.works.run("gateway", "worker.cli", "gateway", "--port", str(shop.gateway_port))
        await shop.works.until(lambda: _answers(shop), "the gateway knows the key")
        script, intent_id = ordering.rsplit(" ", 1)
        async with running(f"{script} ''", shop, ROOT) as program:
            said, code = await program.ended()
            assert code == 1
            assert '"path":"intent_id"' in "".join(said)
        await shop.works.start_worker("worker")
        await shop.works.start_beat()
        async with running(ordering, shop, ROOT) as program:
            assert await program.ended() == ([f"sent {intent_id}", "delivered"], 0)
        await shop.works.until(lambda: len(verified) == 2, "both changes were told")
    assert verified == [True, True]


async def test_the_shell_script_doubts_what_a_library_doubts(shop: Shop) -> None:
    [*_, [verifying]] = documented("curl")
    now, body = int(time.time()), b'{"type": "line.delivered"}'
    sound = _signed(shop.secret, now, body)
    foreign = _signed(new_secret(), now, body)["webhook-signature"]
    both = f"{foreign} {sound['webhook-signature']}"
    assert await _verifies(shop, verifying, sound, body)
    assert await _verifies(shop, verifying, {**sound, "webhook-signature": both}, body)
    doubted = [
        ({**sound, "webhook-signature": foreign}, body),
        ({**sound, "webhook-signature": ""}, body),
        ({**sound, "webhook-id": "evt_2"}, body),
        ({**sound, "webhook-timestamp": str(now + 1)}, body),
        (sound, body + b"\n"),
        (_signed(shop.secret, now - 400, body), body),
        (_signed(shop.secret, now + 400, body), body),
    ]
    assert [await _verifies(shop, verifying, *each) for each in doubted] == [False] * len(doubted)


def _signed(secret: str, at: int, body: bytes) -> dict[str, str]:
    signature = Webhook(secret).sign("evt_1", datetime.fromtimestamp(at, UTC), body.decode())
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(at),
        "webhook-signature": signature,
    }


async def _verifies(shop: Shop, command: str, headers: dict[str, str], body: bytes) -> bool:
    """Whether the script believes a webhook, given as the README gives it."""
    told = {name.lower(): value for name, value in headers.items()}
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    environment = {name.upper().replace("-", "_"): told[name] for name in names}
    process = await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        command.replace("< body", ""),
        cwd=ROOT,
        env={**shop.environment, **environment},
        stdin=PIPE,
        stderr=PIPE,
    )
    _, errors = await process.communicate(body)
    assert errors == b""
    return process.returncode == 0


async def _answers(shop: Shop) -> bool:
    """Whether the gateway lets the key in, and knows nothing of the intent yet."""
    headers = {"authorization": f"Bearer {shop.key}"}
    async with httpx.AsyncClient(base_url=shop.environment["GATEWAY"], headers=headers) as http:
        try:
            return (await http.get("/v1/orders?intent_id=unheard-of")).status_code == 404
        except httpx.TransportError:
            return False


@asynccontextmanager
async def _listening(
    port: int, hear: Callable[[web.Request], Awaitable[web.Response]]
) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_post("/", hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()
