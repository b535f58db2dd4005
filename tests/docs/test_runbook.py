"""Whoever is woken up finds an entry, and what it says can be done."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.docs.documents import anchor
from tests.docs.runbook import PAGE, PARTS, RULES, alerts, checks, entries, reasons
from tests.docs.test_examples import COMMANDS, DOCUMENTS, GROUPS
from worker.decisions.resolutions import Resolution
from worker.health.finding import Finding, Level
from worker.store.tables import SurplusDecision

TEXT = PAGE.read_text(encoding="utf-8")
ENTRIES = entries(TEXT)
WANTED = [
    *alerts(),
    *(f"parked: {reason}" for reason in reasons()),
    *(f"health: {check}" for check in checks()),
]


def test_there_is_an_entry_for_each_alert_reason_and_check_and_for_nothing_else() -> None:
    assert len(alerts()) > 20
    assert len(checks()) > 20
    assert sorted(ENTRIES) == sorted(WANTED)


@pytest.mark.parametrize("heading", ENTRIES)
def test_an_entry_says_what_it_means_how_to_see_it_what_to_do_and_when_it_is_over(
    heading: str,
) -> None:
    points = [line for line in ENTRIES[heading].strip().splitlines() if line]
    assert len(points) == len(PARTS)
    for point, part in zip(points, PARTS, strict=True):
        assert point.startswith(f"- {part} ")
        assert point.endswith(".")


def test_each_alert_leads_to_its_entry() -> None:
    rules = RULES.read_text(encoding="utf-8")
    linked = dict(re.findall(r"- alert: (\w+)\n.*?runbook_url: (\S+)", rules, re.DOTALL))
    assert linked == {name: f"deploy/runbook.md#{anchor(name)}" for name in alerts()}


def test_one_line_makes_links_of_them_for_a_pager(tmp_path: Path) -> None:
    """The line that the rules themselves show, and the page on operating."""
    rules = RULES.read_text(encoding="utf-8")
    [shown] = re.findall(r"^#   (sed .*)$", rules, re.MULTILINE)
    assert f"`{shown}`" in DOCUMENTS["docs/operating.md"]
    (tmp_path / RULES.name).write_text(rules, encoding="utf-8")
    subprocess.run(shlex.split(shown), cwd=tmp_path, check=True)  # noqa: S603 -- what we show
    told = (tmp_path / RULES.name).read_text(encoding="utf-8")
    base = "https://git.example/orderline/blob/main/"
    linked = re.findall(r"^ +runbook_url: (\S+)$", told, re.MULTILINE)
    assert linked == [f"{base}deploy/runbook.md#{anchor(name)}" for name in alerts()]


@pytest.mark.parametrize("check", checks())
@pytest.mark.parametrize("level", [Level.FAIL, Level.UNSAFE])
def test_a_finding_that_is_red_leads_to_its_entry(check: str, level: Level) -> None:
    assert Finding(level, check, "").runbook == f"deploy/runbook.md#{anchor(f'health: {check}')}"
    assert Finding(Level.WARN, check, "").runbook is None


def test_it_says_first_how_commands_are_run_by_hand() -> None:
    """Everywhere where Orderline runs."""
    top = TEXT.partition("\n## ")[0]
    for words in (
        "docker compose run --rm operator orderline doctor",
        "kubectl scale deployment/operator --replicas=1 --namespace=orderline",
        "kubectl exec -it deployment/operator --namespace=orderline -- orderline doctor",
    ):
        assert words in top


def test_the_alerts_are_counted() -> None:
    assert f" {len(alerts())} alerts" in DOCUMENTS["docs/operating.md"]


def test_every_anchor_is_a_headings() -> None:
    headings = re.findall(r"^##+ (.+)$", TEXT, re.MULTILINE)
    anchors = {anchor(heading) for heading in headings}
    assert len(anchors) == len(headings)
    assert set(re.findall(r"\(#([^)]+)\)", TEXT)) <= anchors


def spans(program: str) -> list[list[str]]:
    """What stands in the text to be typed, word by word."""
    said = re.findall(rf"`({program} [^`]+)`", TEXT)
    return [shlex.split(each)[1:] for each in said]


@pytest.mark.parametrize("words", spans("orderline"), ids=" ".join)
def test_what_is_to_be_typed_can_be(words: list[str]) -> None:
    name, *rest = words
    command = COMMANDS[name]
    if name in GROUPS and rest and not rest[0].startswith("-"):
        command = GROUPS[name].commands[rest[0]]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known


def test_every_decision_that_is_named_can_be_made() -> None:
    named = set(re.findall(r"--as ([a-z]+)", TEXT))
    assert named <= {*Resolution, *SurplusDecision}
