"""What a how-to shows to be typed is typed, in its order, and does what the page says."""

import importlib
import json
import os
from collections.abc import AsyncIterator, Sequence

import pytest
from celery import Celery
from sqlalchemy import text

from tasks.queues import QUEUES
from tests.builders import an_intent
from tests.cli.conftest import Orderline, Ran
from tests.cli.world import World
from tests.docs.pages import HOW_TOS, commands, would_do
from tests.docs.test_examples import COMMANDS
from tests.providers.trial import Trial
from worker.capabilities import Capabilities, Doubt
from worker.lifecycle import Step
from worker.outcome import Confirmed, InDoubt
from worker.sandbox import Sandbox
from worker.settings import Settings
from worker.store import attempts
from worker.store.claimed import peek
from worker.store.session import Boundary

NO_WAY = Capabilities(after_place=Doubt.NONE)
CUT = InDoubt("the line was cut")
KEYS = "ORDERLINE_ENCRYPTION_KEYS"
JUDGES = {"doctor", "health"}
"""Commands that judge the installation, and here find no worker."""


@pytest.fixture
async def sandbox(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> AsyncIterator[Sandbox]:
    """Every provider, and the settings of our accounts with them."""
    del settings
    async with Sandbox() as running:
        for provider, accounts in running.account_settings().items():
            for name, value in accounts["default"].items():
                variable = f"ORDERLINE_ACCOUNTS__{provider.upper()}__DEFAULT__{name.upper()}"
                monkeypatch.setenv(variable, value)
        yield running


class Reader:
    """Somebody who types what a how-to shows, with ids of their own in place of the page's."""

    def __init__(self, orderline: Orderline, page: str) -> None:
        self._orderline = orderline
        self._typed = [words[1:] for words in commands(page) if words[0] == "orderline"]
        self.names: dict[str, str] = {}

    async def types(self, *beginning: str) -> Ran:
        """The page's next command, which begins like this."""
        words = self._typed.pop(0)
        assert tuple(words[: len(beginning)]) == beginning
        for ours, theirs in self.names.items():
            words = [word.replace(ours, theirs) for word in words]
        ran = await self._orderline(*words)
        assert ran.code in ({0, 1} if words[0] in JUDGES else {0}), ran
        return ran

    def passes_over(self, *words: str) -> None:
        """Leave the page's next command to other tests."""
        assert self._typed.pop(0) == [*words]

    @property
    def is_through(self) -> bool:
        return not self._typed


async def parked(world: World, intent_id: str) -> str:
    """An order whose call was cut an hour ago; its id."""
    await world.accept(an_intent(f"{intent_id}-1", intent_id=intent_id))
    await world.place(CUT, NO_WAY)
    async with world.db.transaction(Boundary.PRODUCER) as connection:
        await connection.execute(text("UPDATE attempts SET sent_at = sent_at - interval '1 hour'"))
        return str(await connection.scalar(text("SELECT id FROM orders ORDER BY id DESC LIMIT 1")))


async def test_a_parked_order_is_handled(
    world: World, orderline: Orderline, sandbox: Sandbox
) -> None:
    reader = Reader(orderline, "docs/how-to/handle-a-parked-order.md")
    for intent_id in ("100045", "100046", "100048"):
        await parked(world, intent_id)
    await bought(world, sandbox, await parked(world, "100047"), reader.names)
    await one_too_many(world, "100049")

    assert "100045 of shop" in (await reader.types("parked")).out
    await reader.types("show", "100045")
    for said in ("refused", "resend", "placed", "cancelled"):
        assert f"recorded as {said}" in (await reader.types("resolve")).out
    assert "77: attempt 1 was answered yes" in (await reader.types("parked", "100049")).out
    await reader.types("resolve", "100049")
    assert (await reader.types("parked")).out.startswith("Nothing waits")
    await reader.types("differences")
    assert reader.is_through


async def bought(world: World, sandbox: Sandbox, order_id: str, names: dict[str, str]) -> None:
    """Its call came through; the ids that the page shows stand for the sandbox's."""
    async with world.db.reading() as connection:
        found = await connection.scalar(
            text("SELECT id FROM orders WHERE id = CAST(:id AS uuid)"), {"id": order_id}
        )
    [claimed] = await peek(world.db, world.vault, [found])
    async with Trial(sandbox, "hyperteknoloji") as trial:
        outcome = await trial.call(Step.PLACE, claimed.order)
    assert isinstance(outcome, Confirmed)
    names["9001"] = str(outcome.provider_ref)
    names["55001"] = str(outcome.lines[0].provider_line_ref)


async def one_too_many(world: World, intent_id: str) -> None:
    """An order that was placed, and a late yes to a try of it that was given up."""
    await world.accept(an_intent(f"{intent_id}-1", intent_id=intent_id))
    await world.place(Confirmed("their-id"))
    async with world.db.reading() as connection:
        newest = await connection.scalar(text("SELECT id FROM orders ORDER BY id DESC LIMIT 1"))
    [claimed] = await peek(world.db, world.vault, [newest])
    assert claimed.attempt is not None
    await attempts.note_late(world.db, claimed.attempt, Confirmed("77"), "late", None)


@pytest.mark.usefixtures("sandbox")
async def test_secrets_are_rotated(
    world: World, orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(orderline, "docs/how-to/rotate-secrets.md")
    await world.register("shop-eu")
    await orderline("operators", "add", "ada", "--role", "view", stdin="a good password\n")

    new = (await reader.types("new-key")).out.strip()
    monkeypatch.setenv(KEYS, f"{new},{os.environ[KEYS]}")
    await reader.types("rekey", "--dry-run")
    assert "may be taken out" in (await reader.types("rekey")).out
    monkeypatch.setenv(KEYS, new)

    assert "whsec_" in (await reader.types("producers", "rotate")).out
    assert "whsec_" in (await reader.types("producers", "rotate")).out
    await reader.types("api-keys", "add")
    [key] = json.loads((await orderline("api-keys", "list", "--json")).out)
    reader.names["KEYID"] = key["id"]
    await reader.types("api-keys", "list")
    await reader.types("api-keys", "revoke")
    assert "ACL SETUSER" in (await reader.types("producers", "acl")).out
    await reader.types("pause")
    await reader.types("resume")
    assert "gifthub" in (await reader.types("providers", "--check")).out
    await reader.types("operators", "disable")
    await reader.types("operators", "list")
    found = (await reader.types("doctor")).out
    assert "encryption keys" in found
    assert reader.is_through


@pytest.mark.usefixtures("sandbox", "world")
async def test_an_installation_goes_to_production(orderline: Orderline) -> None:
    """But for the processes, which other tests run."""
    reader = Reader(orderline, "docs/how-to/go-to-production.md")
    await reader.types("new-key")
    await reader.types("migrate")
    await reader.types("providers", "--check")
    reader.passes_over("gateway", "--port", "8700")
    assert "whsec_" in (await reader.types("producers", "add")).out
    await reader.types("producers", "acl")
    await reader.types("health")
    assert "UNSAFE" not in (await reader.types("doctor")).out
    assert reader.is_through


@pytest.mark.usefixtures("sandbox")
async def test_it_is_said_what_orders_wait_for(world: World, orderline: Orderline) -> None:
    reader = Reader(orderline, "docs/how-to/tune-throughput.md")
    await world.accept(an_intent("100045-1", intent_id="100045"))
    for beginning in ("health", "accounts", "list"):
        await reader.types(beginning)
    assert "next " in (await reader.types("show", "100045")).out
    assert reader.is_through


# --- what is not a command of ours ----------------------------------------------------------------


def others(program: str) -> list[list[str]]:
    return [words for page in HOW_TOS for words in commands(page) if words[0] == program]


def test_nothing_else_is_to_be_typed() -> None:
    programs = {words[0] for page in HOW_TOS for words in commands(page)}
    assert programs == {"orderline", "make", "celery"}


@pytest.mark.parametrize("words", others("make"), ids=" ".join)
def test_make_would_do_it(words: Sequence[str]) -> None:
    assert would_do(words)


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("words", others("celery"), ids=" ".join)
def test_celery_finds_its_app_and_its_queues(words: Sequence[str]) -> None:
    assert words[1] == "-A"
    assert isinstance(importlib.import_module(words[2]).app, Celery)
    assert words[3] in {"worker", "beat", "flower"}
    if "-Q" in words:
        assert words[words.index("-Q") + 1] in {queue.name for queue in QUEUES}


def test_every_command_is_known() -> None:
    assert {words[1] for words in others("orderline")} <= set(COMMANDS)
