"""The alerts, judged by promtool: they parse, fire where they have to, and are quiet elsewhere."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.runbook import alerts
from tests.operating.queries import metrics_in
from worker.metrics.families import GATEWAY, WORKER
from worker.metrics.standing import STANDING

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"
RULES = (FOLDER / "rules.yml").read_text(encoding="utf-8")
TESTS = (FOLDER / "rules_test.yml").read_text(encoding="utf-8")
OURS = {family.exposed for family in (*WORKER, *GATEWAY, *STANDING)}


def run(promtool: Path, *arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 -- Debian's promtool, on files of ours
        [promtool, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_rules(promtool: Path) -> None:
    run(promtool, "check", "rules", "rules.yml")


def test_the_alerts_fire_where_they_have_to_and_only_there(promtool: Path) -> None:
    run(promtool, "test", "rules", "rules_test.yml")


@pytest.mark.parametrize("alert", alerts())
def test_an_alert_is_tried_both_ways(alert: str) -> None:
    tried = set(re.findall(rf"^  - name: {alert} (fires|is quiet)$", TESTS, re.MULTILINE))
    assert tried == {"fires", "is quiet"}


def test_what_the_alerts_ask_for_is_told() -> None:
    asked = {name for name in metrics_in(RULES) if name.startswith("orderline_")}
    assert len(asked) > 20
    assert asked <= OURS
