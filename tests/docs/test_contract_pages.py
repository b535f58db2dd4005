"""The published contract is the one that the models have."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.contract_pages import HOME, differing
from tests.docs.provider_pages import is_draft, page
from worker.providers import REGISTRY

ROOT = Path(__file__).parents[2]
DRAFTS = [name for name in REGISTRY if is_draft(page(name))]


@pytest.mark.skipif(bool(DRAFTS), reason=f"drafts are published when they are done: {DRAFTS}")
def test_the_published_contract_is_what_the_models_say() -> None:
    """``python -m tests.docs.contract_pages --write`` makes it so.

    Look at what that changes: docs/contract/README.md says what may change within a version.
    """
    assert [path.name for path in differing()] == [], (
        "run: .venv/bin/python -m tests.docs.contract_pages --write"
    )


@pytest.mark.parametrize("home", [HOME, HOME.parent / "examples"], ids=lambda home: home.name)
def test_every_link_of_its_page_leads_somewhere(home: Path) -> None:
    text = (home / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert target.startswith("https://") or (home / target).exists(), target


def test_its_command_holds_an_intent_against_its_schema() -> None:
    [command] = re.findall(r"```sh\n(.*?)\n```", (HOME / "README.md").read_text(), re.DOTALL)
    program, *arguments = command.removeprefix(".venv/bin/").split()
    ran = subprocess.run(  # noqa: S603 -- our own document
        [Path(sys.executable).parent / program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
