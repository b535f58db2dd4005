"""Play the demonstration: servers, stage and screen together, and all of it away again."""

import asyncio
import os
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from worker.cli.demo_screen import Screen
from worker.cli.local import DATABASE_URL, KEYS, REDIS_URL, apart, given
from worker.cli.output import screen_console
from worker.cli.session import opened_database, opened_redis, revision
from worker.crypto import Vault
from worker.demo.ground import check_ground
from worker.demo.stage import Audience, set_stage
from worker.demo.verdict import Verdict
from worker.embedded import Servers, embedded_servers
from worker.settings import load_settings


def play(*, chaos: bool, keep_logs: Path | None, on_stderr: bool) -> Verdict:
    """Play it, show it and say the verdict. Raises ``OrderlineError`` where it cannot go on."""
    screen = Screen(screen_console(stderr=on_stderr))
    verdict = _run(screen, chaos=chaos, keep_logs=keep_logs)
    screen.judge(verdict)
    return verdict


def _run(screen: Screen, *, chaos: bool, keep_logs: Path | None) -> Verdict:
    database_url, redis_url = given(DATABASE_URL), given(REDIS_URL)
    with ExitStack() as stack:
        empty = Path(stack.enter_context(TemporaryDirectory(prefix="orderline-demo-")))
        logs = empty / "logs" if keep_logs is None else keep_logs.absolute()
        stack.enter_context(apart(empty))
        servers = stack.enter_context(
            embedded_servers(
                empty,
                persistent=False,
                database_url=database_url,
                redis_url=redis_url,
                say=screen.say,
            )
        )
        with screen.running():
            return asyncio.run(_perform(servers, logs, screen, chaos=chaos))


async def _perform(servers: Servers, logs: Path, screen: Screen, *, chaos: bool) -> Verdict:
    await _check(servers)
    async with set_stage(servers, logs, Audience(screen.say, screen.show)) as stage:
        try:
            return await stage.play(chaos=chaos)
        finally:
            screen.say("Stopping everything")


async def _check(servers: Servers) -> None:
    """Raise what a person can mend when the servers are out of reach or in use."""
    os.environ |= {
        DATABASE_URL: servers.database_url,
        REDIS_URL: servers.redis_url,
        KEYS: Vault.new_key(),
    }
    settings = load_settings()
    async with opened_database(settings) as db, opened_redis(settings) as redis:
        await check_ground(db, redis, await revision(db))
