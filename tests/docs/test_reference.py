"""The reference is complete, and says what the code says."""

import inspect
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from schemas.gateway import ErrorCode
from schemas.intents import FaultCode
from schemas.notifications import EntryNews, EventType, LineNews, NoticeType
from tests.docs import commands_page, errors_page, events_page, metrics_page, settings_page
from tests.docs.facts import FACTS, found, said
from tests.docs.markdown import REFERENCE, code, members
from tests.docs.picture import Drawing, drawn, ends_of
from tests.docs.reference import PAGES
from tests.docs.states_page import PAGE as STATES
from tests.docs.states_page import drawing_of_lines, drawing_of_orders
from worker.cli.main import app
from worker.delivery.sender import Failure
from worker.lifecycle import LineState, OrderState, Step
from worker.metrics.families import GATEWAY, WORKER
from worker.metrics.standing import STANDING
from worker.outcome import OutcomeName, RefusalCode
from worker.parking import Because
from worker.provider import Account
from worker.settings import PREFIX, Settings

WORDS: dict[type[StrEnum], Path] = {
    EventType: events_page.PAGE,
    NoticeType: events_page.PAGE,
    OrderState: STATES,
    LineState: STATES,
    Step: STATES,
    OutcomeName: STATES,
    FaultCode: errors_page.PAGE,
    RefusalCode: errors_page.PAGE,
    Because: errors_page.PAGE,
    ErrorCode: errors_page.PAGE,
    Failure: errors_page.PAGE,
}
AGAIN = "the code says something else now: `.venv/bin/python -m tests.docs.reference --write`"
DRAWINGS = [drawing_of_orders(), drawing_of_lines()]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_as_the_code_has_it(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path](), AGAIN


def test_no_page_of_the_reference_is_written_by_hand() -> None:
    assert {*REFERENCE.iterdir()} == {*PAGES}


def test_every_setting_is_on_its_page() -> None:
    names = [PREFIX + name.upper() for name in Settings.model_fields]
    names += [name.upper() for name in Account.model_fields]
    assert missing(names, settings_page.PAGE) == []


def test_every_command_and_each_of_its_options_is_on_their_page() -> None:
    text = commands_page.PAGE.read_text(encoding="utf-8")
    parts = dict(part.split("\n", 1) for part in text.split("\n### ")[1:])
    known = walked(get_command(app), "orderline")
    assert {*parts} == {*known}
    for name, command in known.items():
        options = [each for parameter in command.params for each in parameter.opts]
        options = [each for each in options if each.startswith("-") and each != "--help"]
        assert [each for each in options if f"`{each}" not in parts[name]] == [], name


def test_every_command_that_ends_in_its_own_way_says_how() -> None:
    for name, command in walked(get_command(app), "orderline").items():
        if "typer.Exit(" in inspect.getsource(command.callback):
            assert commands_page.ends(command), name


def test_every_metric_is_on_its_page() -> None:
    families = [family.exposed for family in (*STANDING, *WORKER, *GATEWAY)]
    assert len(families) > 50
    assert missing(families, metrics_page.PAGE) == []


@pytest.mark.parametrize("kind", WORDS)
def test_every_word_is_on_its_page(kind: type[StrEnum]) -> None:
    assert missing([*map(str, kind)], WORDS[kind]) == []


@pytest.mark.parametrize("kind", [kind for kind in WORDS if kind not in {EventType, OutcomeName}])
def test_every_word_is_explained_where_it_stands(kind: type[StrEnum]) -> None:
    assert [word for word, means in members(kind) if not means] == []


def test_every_fact_that_is_kept_is_on_its_page_with_its_data() -> None:
    assert found() == {*FACTS}
    assert {(kind, key) for kind, key in said() if key not in FACTS[kind].data} == set()
    assert len({*said()}) > 30
    assert missing([*FACTS], events_page.PAGE) == []


@pytest.mark.parametrize("news", [LineNews, EntryNews])
def test_every_field_of_a_notification_is_on_its_page(news: Any) -> None:
    assert missing([*news.model_fields], events_page.PAGE) == []


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.title)
def test_every_move_is_drawn_or_written_below_its_state(drawing: Drawing) -> None:
    assert {*drawing.places, *drawing.ends} == {*drawing.moves}
    for name, tos in drawing.moves.items():
        ends = tos & {*drawing.ends}
        arrows = {to for origin, to in drawn(drawing) if origin == name}
        assert arrows | ends | (tos & {name}) == tos
        assert bool(ends) is bool(ends_of(drawing, name))


def test_every_bend_is_of_a_move() -> None:
    for drawing in DRAWINGS:
        assert {*drawing.bent} <= drawn(drawing)


def missing(names: list[str], page: Path) -> list[str]:
    """Names that do not stand on a page as they are typed."""
    text = page.read_text(encoding="utf-8")
    return [name for name in names if code(name) not in text]


def walked(command: Any, name: str) -> dict[str, Any]:
    """Every command that does something, by its full name."""
    below = getattr(command, "commands", {})
    found = {f"{name} {word}": each for word, each in below.items()}
    known = {} if name == "orderline" else {name: command}
    for word, each in found.items():
        known |= walked(each, word)
    return {
        word: each
        for word, each in known.items()
        if not getattr(each, "commands", {}) or each.invoke_without_command
    }
