"""What the documents show is true: their code runs, and what they name exists."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from typer.main import get_command

from schemas.cancels import read_cancel
from schemas.intents import read_intent
from schemas.notifications import Notification
from tests.docs.documents import documents, text_of, typed
from worker.cli.main import app
from worker.delivery.signing import Signer, new_secret
from worker.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = {name: text_of(name) for name in documents()}
README, PRODUCERS = DOCUMENTS["README.md"], DOCUMENTS["docs/producers.md"]
COMMANDS: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]  # a typer app is a click group
GROUPS = {name: command for name, command in COMMANDS.items() if hasattr(command, "commands")}


def blocks(language: str, document: str = PRODUCERS) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", document, re.DOTALL)


def test_the_readmes_python_sends_a_first_intent(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sending,) = blocks("python", README)
    monkeypatch.setenv("ORDERLINE_REDIS_URL", redis_url)
    exec(sending, {})  # noqa: S102 -- our own document
    with Redis.from_url(redis_url) as client:
        ((_, fields),) = client.xrange("orderline:intents:demo")
    assert read_intent(fields[b"intent"], producer="demo").intent.intent_id == "my-first"


def test_the_producers_python_puts_a_valid_intent_on_its_stream(redis_url: str) -> None:
    sending, _, _ = blocks("python")
    exec(sending, {"REDIS_URL": redis_url})  # noqa: S102 -- our own document
    with Redis.from_url(redis_url) as client:
        ((_, fields),) = client.xrange("orderline:intents:shop-eu")
    assert read_intent(fields[b"intent"], producer="shop-eu").intent.intent_id == "100045"


def test_the_producers_python_calls_that_intent_off(redis_url: str) -> None:
    sending, calling_off, _ = blocks("python")
    exec(sending + calling_off, {"REDIS_URL": redis_url})  # noqa: S102 -- our own document
    with Redis.from_url(redis_url) as client:
        *_, (_, fields) = client.xrange("orderline:intents:shop-eu")
    assert read_cancel(fields[b"cancel"], producer="shop-eu").intent_id == "100045"


def test_the_producers_python_verifies_what_we_sign() -> None:
    _, _, verifying = blocks("python")
    secret, body = new_secret(), b'{"data": {"deliver_id": "100045-1"}}'
    headers = Signer([secret]).sign("evt_1", datetime.now(UTC), body)
    names: dict[str, Any] = {"WEBHOOK_SECRET": secret, "body": body, "headers": headers}
    exec(verifying, names)  # noqa: S102 -- our own document
    assert names["data"] == {"deliver_id": "100045-1"}


def test_the_webhook_that_is_shown_is_one() -> None:
    (shown,) = blocks("json")
    assert Notification.model_validate_json(shown).data.sequence == 2


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_that_is_named_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = typed(document)
    assert set(re.findall(r"\borderline ([a-z][a-z-]+)[ \n]", text)) <= set(COMMANDS)
    for name, group in GROUPS.items():
        named = set(re.findall(rf"\borderline {name} ([a-z][a-z-]+)[ \n]", text))
        assert named <= set(group.commands)
    assert set(re.findall(r"\bmake ([a-z-]+)[ \n]", text)) <= targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_option_that_is_named_exists(document: str) -> None:
    for line in re.findall(r"\borderline ([a-z][^\n|&;<>#()]*)", typed(document)):
        name, *rest = line.split()
        command = COMMANDS[name]
        if name in GROUPS and rest:
            command = GROUPS[name].commands.get(rest[0], command)
        known = {option for parameter in command.params for option in parameter.opts}
        named = {word.partition("=")[0] for word in rest if re.match("--[a-z]", word)}
        assert named <= known | {"--help"}, line


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_setting_that_is_named_exists(document: str) -> None:
    ours = {PREFIX + name.upper() for name in Settings.model_fields}
    ours |= {"ORDERLINE_TEST_DATABASE_URL", "ORDERLINE_TEST_REDIS_URL"}
    named = set(re.findall(r"ORDERLINE_[A-Z_]+", DOCUMENTS[document]))
    assert {name.partition("__")[0].rstrip("_") for name in named} <= ours


def test_every_setting_is_in_the_example_and_nothing_else_is() -> None:
    text = (ROOT / ".env.example").read_text()
    lines = re.findall(r"^#? ?(ORDERLINE_\w+)=", text, re.MULTILINE)
    named = {name.partition("__")[0] for name in lines}
    assert named == {PREFIX + name.upper() for name in Settings.model_fields}
