"""The page about dependencies says what is so."""

import re
from typing import NamedTuple

import pytest

from tests.supply import licences
from tests.supply.audit import UNKNOWN, judged
from tests.supply.parts import ROOT, asked_for, elsewhere, installed, running
from tests.supply.sbom import only

PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")


class Row(NamedTuple):
    name: str
    why: str
    keeper: str
    licence: str
    instead: str


DIRECT, _, INSTEAD = PAGE.partition("## What is written here")
ROWS = [
    Row(*(cell.strip().strip("`") for cell in line.strip("|").split("|")))
    for line in re.findall(r"^\| `.*\|$", DIRECT, re.MULTILINE)
]


def test_every_direct_dependency_has_one_row_and_nothing_else_has() -> None:
    assert sorted(row.name for row in ROWS) == sorted(asked_for())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_says_everything(row: Row) -> None:
    assert all(row)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_licence_is_what_the_package_says(row: Row) -> None:
    part = installed(row.name)
    if part is None:
        assert not {"run", "flower", "embedded", "dev"} & asked_for()[row.name]
    else:
        assert row.licence == licences.licence(part)


def test_what_runs_is_under_licences_that_are_allowed() -> None:
    found = licences.found()
    assert set(found) == {*running(), *elsewhere()}
    assert [name for name, said in found.items() if not licences.allowed(said)] == []


def test_of_an_expression_each_demand_and_one_of_each_choice_must_be_allowed() -> None:
    for fine in ("MIT", "MIT OR GPL-3.0-only", "Apache-2.0 AND (GPL-3.0-only OR MIT)"):
        assert licences.allowed(fine)
    for refused in ("MIT AND GPL-3.0-only", "AGPL-3.0-only", ""):
        assert not licences.allowed(refused)


def test_what_was_written_here_though_a_library_does_it_is_still_here() -> None:
    named = re.findall(r"^\| `([\w/]+\.py)`", INSTEAD, re.MULTILINE)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_a_silence_of_the_list_of_holes_is_not_taken_for_a_good_answer() -> None:
    unknown = [{"name": "aiohttp", "skip_reason": "not found"}]
    lines, status = judged(unknown, must=False)
    assert "NOTHING WAS AUDITED" in lines[0]
    assert status == 0
    assert judged(unknown, must=True)[1] == UNKNOWN
    assert judged([], must=True)[1] == UNKNOWN


def test_a_known_hole_fails_the_audit_and_is_named() -> None:
    hole = {"id": "PYSEC-2026-1", "fix_versions": ["3.15"]}
    lines, status = judged([{"name": "aiohttp", "version": "3.14", "vulns": [hole]}], must=False)
    assert status == 1
    assert "aiohttp 3.14: PYSEC-2026-1" in lines[1]


def test_a_clean_audit_passes() -> None:
    clean = [{"name": "aiohttp", "version": "3.14", "vulns": []}]
    assert judged(clean, must=True) == (["1 packages audited, 0 known holes"], 0)


def test_the_list_of_parts_leaves_tools_and_links_to_them_out() -> None:
    bom = {
        "metadata": {"component": {"bom-ref": "root"}},
        "components": [{"name": "Jinja2", "bom-ref": "j"}, {"name": "pytest", "bom-ref": "p"}],
        "dependencies": [{"ref": "root", "dependsOn": ["j", "p"]}, {"ref": "p"}, {"ref": "j"}],
    }
    kept = only(bom, {"jinja2"})
    assert [each["name"] for each in kept["components"]] == ["Jinja2"]
    assert kept["dependencies"] == [{"ref": "root", "dependsOn": ["j"]}, {"ref": "j"}]
