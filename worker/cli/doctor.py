"""``orderline doctor``."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

import typer
from redis.asyncio import Redis
from rich.text import Text

from worker import streams
from worker.cli.output import Json, print_json, printable, say, verdict
from worker.cli.probe import MEND
from worker.cli.session import Unreachable, opened_database, opened_redis, revision
from worker.clock import SystemClock
from worker.crypto import Vault
from worker.errors import SettingsError
from worker.health import accounts as rests
from worker.health import books, broker, database, endpoints, progress, setup, turns, work
from worker.health.finding import Finding, Level, fail
from worker.health.progress import Limits
from worker.provider import Accounts
from worker.providers import load_accounts
from worker.runtime import open_vault
from worker.settings import Settings, load_settings
from worker.store import migrations, producers
from worker.store.sealed import count_keys
from worker.store.session import Database
from worker.store.views_upkeep import account_loads

_FAILED: Final = 1
_WRONG_SETTINGS: Final = 2
_SILENT: Final = timedelta(seconds=60)
_COUNTING: Final = 5.0
"""Seconds for counting what each key seals: whole tables are read."""
_WIDEST: Final = max(map(len, Level))
_FAULTS: Final = re.compile(r"; (?=ORDERLINE_)")


def doctor(*, as_json: Json = False) -> None:
    """Say what is reachable, which settings are unsafe, and what does not move; and what to do.

    Changes nothing. Ends with 1 when something fails, with 2 when settings are wrong; what is
    only a warning ends with 0, and so does what is UNSAFE outside of development.

    Example: orderline doctor --json
    """
    faults, settings, vault, accounts = _read_settings()
    if settings is None or vault is None or accounts is None:
        _tell(faults, as_json=as_json)
        raise typer.Exit(_WRONG_SETTINGS)
    findings = asyncio.run(_examine(settings, vault, accounts))
    _tell(findings, as_json=as_json)
    if any(finding.level is Level.FAIL for finding in findings):
        raise typer.Exit(_FAILED)


def _read_settings() -> tuple[list[Finding], Settings | None, Vault | None, Accounts | None]:
    """The settings and what is made of them, or everything that is wrong with them."""
    faults: list[Finding] = []
    settings, vault, accounts = None, None, None
    try:
        settings = load_settings()
    except SettingsError as error:
        return list(_wrong(error)), None, None, None
    try:
        vault = open_vault(settings)
    except SettingsError as error:
        faults += _wrong(error)
    try:
        accounts = load_accounts(settings.accounts)
    except SettingsError as error:
        faults += _wrong(error)
    return faults, settings, vault, accounts


def _wrong(error: SettingsError) -> Iterator[Finding]:
    """One finding for each variable that the error names."""
    for fault in _FAULTS.split(str(error)):
        yield fail("settings", fault, "")


async def _examine(settings: Settings, vault: Vault, accounts: Accounts) -> list[Finding]:
    findings, limits = setup.judge_settings(settings), Limits.of(settings)
    names: list[str] | None = None
    try:
        async with opened_database(settings) as db:
            facts = await database.read_database(db, SystemClock())
            findings += database.judge_database(facts, settings.clock_skew)
            schema = database.judge_schema(await revision(db), migrations.newest())
            findings.append(schema)
            if schema.level is Level.OK:
                names = [each.name for each in await producers.every(db)]
                margin = settings.quote_margin
                findings += await _examine_rows(db, vault, accounts, limits, margin)
                every = settings.reconcile_every
                findings += books.judge_books(await books.read_books(db), accounts, every)
    except Unreachable as error:
        findings.append(fail("database", str(error), MEND))
    try:
        async with opened_redis(settings) as redis:
            findings += broker.judge_redis(await broker.read_redis(redis))
            if names is not None:
                findings += await _examine_streams(redis, names, limits)
    except Unreachable as error:
        findings.append(fail("redis", str(error), MEND))
    return findings


async def _examine_rows(
    db: Database, vault: Vault, accounts: Accounts, limits: Limits, margin: timedelta
) -> list[Finding]:
    facts, loads = await work.read_work(db), await account_loads(db)
    jobs = await turns.read_turns(db)
    return [
        database.judge_own_clock(await database.own_clock_is_off(db)),
        setup.judge_seals(*await setup.broken_seals(db, vault)),
        *setup.judge_keys(await count_keys(db, within=_COUNTING), vault.key_ids),
        *setup.judge_accounts(accounts, loads),
        *setup.judge_clocks(loads, margin),
        *progress.judge_progress(await progress.read_progress(db), limits),
        turns.judge_turns(jobs, limits),
        *turns.judge_missed(jobs),
        *work.judge_standing(loads, facts),
        *rests.judge_resting(await rests.read_resting(db)),
        *endpoints.judge_endpoints(await endpoints.read_endpoints(db)),
    ]


async def _examine_streams(redis: Redis, names: Sequence[str], limits: Limits) -> list[Finding]:
    return [
        *progress.judge_intake(await streams.waiting(redis, names), limits),
        progress.judge_callbacks(await streams.lag(redis, streams.CALLBACKS), limits),
        *work.judge_strangers(await streams.strangers(redis, names)),
        *work.judge_forgotten(await work.forgotten(redis, names, idle=_SILENT)),
        work.judge_workers(await work.count_workers(redis), len(names)),
    ]


def _tell(findings: Sequence[Finding], *, as_json: bool) -> None:
    counts = {level: sum(each.level is level for each in findings) for level in Level}
    if as_json:
        print_json({"findings": [each.for_programs() for each in findings], "counts": counts})
        return
    width = max(len(each.check) for each in findings)
    for each in findings:
        advice = f" -- {each.advice}" if each.advice else ""
        level = verdict(each.level)
        level.pad_right(_WIDEST - len(level))
        say(level + Text(printable(f"  {each.check:<{width}}  {each.said}{advice}")))
