"""What the providers' pages say is what the code does, the remotes document and the tests count.

``python -m tests.docs.provider_pages --write`` renews what is checked here.
"""

import re

import pytest

from tests.docs.provider_pages import (
    ALL,
    ASSUMED,
    ERRORS,
    OVERVIEW,
    PAGES,
    SETTINGS,
    columns,
    errors_of,
    facts_of,
    is_draft,
    named_in,
    page,
    rows,
    settings_of,
)
from worker.providers import REGISTRY

TABLE = OVERVIEW.read_text(encoding="utf-8")
ROWS = {named_in(row): dict(zip(columns(TABLE, ALL), row, strict=True)) for row in rows(TABLE, ALL)}


@pytest.fixture(params=sorted(REGISTRY))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_provider_has_its_page_and_one_that_is_no_draft_its_row(name: str) -> None:
    assert name in ROWS or is_draft(page(name))


def test_every_row_has_its_page() -> None:
    assert [name for name in ROWS if not (PAGES / f"{name}.md").exists()] == []


@pytest.mark.parametrize("name", ROWS)
def test_the_overview_says_how_a_provider_behaves_and_what_was_counted(name: str) -> None:
    facts = facts_of(name)
    assert {column: ROWS[name][column] for column in facts} == facts
    assert (ROWS[name]["cancel"] == "no") is not REGISTRY[name].capabilities.cancels


def test_every_documented_error_is_on_the_page_with_its_meaning(name: str) -> None:
    told = [
        (call, said, meaning)
        for calls, said, meaning in rows(page(name), ERRORS)
        for call in calls.split(", ")
    ]
    assert sorted(told) == sorted(errors_of(name))


def test_every_setting_is_on_the_page_with_its_default(name: str) -> None:
    told = {setting.strip("`"): default for setting, _, default in rows(page(name), SETTINGS)}
    assert told == settings_of(name)


def test_what_is_assumed_names_settings_that_there_are(name: str) -> None:
    assumed = rows(page(name), ASSUMED)
    known = {field.upper() for field in REGISTRY[name].account_model.model_fields}
    for fact, by, default, verify in assumed:
        assert all((fact, by, default, verify))
        assert set(re.findall(r"`([A-Z][A-Z_]+)`", by)) <= known, fact
