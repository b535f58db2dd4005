"""The changes to tables are changes, each of one thing; and the page tells of every area."""

import ast
import re

import pytest

from tests.mutants.areas import AREAS, Area
from tests.mutants.ground import ROOT
from tests.mutants.tables import changes

PAGE = (ROOT / "docs" / "mutants.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("A = frozenset({1})", ["A = frozenset(set())", "A = frozenset({2})"]),
        ("A = B | {C, D}", ["A = {C, D}", "A = B", "A = B | {D}", "A = B | {C}"]),
        ("A: X = {B: C, D: E}", ["A: X = {D: E}", "A: X = {B: C}"]),
        ("A = 'b'", ["A = 'bx'"]),
        ("A = f(0.5)", ["A = f(1.5)"]),
        ("A = B", []),
    ],
)
def test_every_entry_side_number_and_text_is_changed_once(line: str, changed: list[str]) -> None:
    made = [ast.unparse(tree) for _, tree in changes(ast.parse(line))]
    assert made == changed


def test_what_stands_in_functions_and_classes_is_left_to_mutmut() -> None:
    assert [*changes(ast.parse("def f():\n    a = 1\nclass C:\n    b = 2"))] == []


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.name)
def test_what_an_area_names_is_there(area: Area) -> None:
    assert all([*ROOT.glob(pattern)] for pattern in (*area.modules, *area.tests, *area.tables))


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.name)
def test_the_page_tells_each_areas_score_and_it_is_enough(area: Area) -> None:
    row = re.search(rf"^\| {area.name} \|.*\| (\d+) \| (\d+) \| ([\d.]+) % \|$", PAGE, re.MULTILINE)
    assert row is not None
    tried, noticed, share = int(row[1]), int(row[2]), float(row[3])
    assert share == noticed * 1000 // tried / 10
    assert share >= area.floor
