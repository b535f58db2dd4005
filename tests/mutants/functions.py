"""Changes inside of functions, which mutmut makes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.mutants.areas import Area
from tests.mutants.ground import PYTEST, Score, laid_out, say

_NOTICED: Final = {"killed", "timeout", "caught_by_type_check"}

_DIFFERENCES: Final = """
import sys
from mutmut.mutation.diff_apply import get_diff_for_mutant
for name in sys.argv[1:]:
    print(get_diff_for_mutant(name), end="\\0")
"""


def score(area: Area) -> Score:
    """What mutmut says of an area; it leaves its own account in the copy's ``mutants``."""
    ground = laid_out(area, "functions")
    with (ground / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(_settings(area))
    log = ground / "mutmut.log"
    with log.open("w", encoding="utf-8") as file:
        ended = subprocess.run(
            [sys.executable, "-m", "mutmut", "run", "--max-children", "1"],
            cwd=ground,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    counts = _counts(ground)
    if ended.returncode and not counts:
        say(log.read_text(encoding="utf-8")[-4000:])
        raise SystemExit(f"mutmut did not run; see {log}")
    tried = counts["total"] - counts.get("skipped", 0)
    return Score(tried, sum(counts.get(name, 0) for name in _NOTICED), _survivors(ground))


def _settings(area: Area) -> str:
    settings = {
        "source_paths": ["worker"],
        "only_mutate": [*area.modules],
        "also_copy": ["schemas", "tasks", "deploy"],
        "pytest_add_cli_args": [*PYTEST],
        "pytest_add_cli_args_test_selection": [*area.tests],
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    return "\n".join(["\n[tool.mutmut]", *lines, "use_setproctitle = false\n"])


def _counts(ground: Path) -> dict[str, int]:
    _mutmut(ground, "export-cicd-stats")
    account = ground / "mutants" / "mutmut-cicd-stats.json"
    return json.loads(account.read_bytes()) if account.exists() else {}


def _survivors(ground: Path) -> list[str]:
    lines = (line.strip() for line in _mutmut(ground, "results").splitlines())
    states = (line.partition(": ") for line in lines if ": " in line)
    names = [name for name, _, state in states if state.strip() not in _NOTICED]
    # One process for all: each start of mutmut costs half a second.
    shown = _python(ground, "-c", _DIFFERENCES, *names).split("\0")
    return [f"{name}\n{difference.strip()}" for name, difference in zip(names, shown, strict=False)]


def _mutmut(ground: Path, *words: str) -> str:
    return _python(ground, "-m", "mutmut", *words)


def _python(ground: Path, *words: str) -> str:
    return subprocess.run(  # noqa: S603 -- a tool of ours
        [sys.executable, *words], cwd=ground, capture_output=True, text=True, check=False
    ).stdout
