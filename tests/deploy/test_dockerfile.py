"""The image: what a linter says, who runs in it, and that what is copied is not kept out."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.conftest import ROOT

DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text()


def test_a_linter_finds_nothing() -> None:
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if linter is None:
        pytest.skip("hadolint is not among the wheels for this platform")
    ran = subprocess.run(  # noqa: S603 -- the linter of the environment
        [linter, "deploy/Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout


def test_it_runs_as_nobody_special_and_is_asked_whether_it_moves() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert 'CMD ["orderline", "health", "--worker", "--quiet"]' in last
    assert "COPY --from=build" in last
    assert not re.search(r"(?i)password|secret|_key", DOCKERFILE)


def test_its_bases_are_named_by_version() -> None:
    for base in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE):
        assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base)


def test_what_it_copies_is_let_through() -> None:
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        word
        for words in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for word in words.split()[:-1]
    }
    assert copied <= allowed
    assert all((ROOT / each).exists() for each in copied)
