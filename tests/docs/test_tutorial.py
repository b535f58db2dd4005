"""The tutorial works as it stands: each block is typed or saved, and what it promises is seen."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.program import clean, eventually, relatives, started
from tests.docs.pages import TUTORIAL, Block, blocks, would_do
from worker.embedded.place import kept_data

READY = "Verified notifications:"
UP = "make up"
SOURCED = "set -a; . .orderline/env; set +a\n"

pytestmark = pytest.mark.slow


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A directory that is to the reader what their clone is: it has ``.venv``."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    yield tmp_path
    kept = kept_data(tmp_path / ".orderline")
    with suppress(OSError):
        shutil.rmtree(kept)
        kept.parent.rmdir()


class Reader:
    """Somebody with a second terminal in a clone."""

    def __init__(self, clone: Path) -> None:
        self._clone = clone
        self.said = ""

    def does(self, block: Block) -> None:
        """Save a file, type a command, or see what was promised of the last one."""
        if block.language == "python":
            name = block.text.partition("\n")[0].removeprefix("# ")
            (self._clone / name).write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            self._last = block.text
            self.said = self._types(block.text)
        else:
            assert eventually(lambda: self._sees(block.text)), f"{self.said}\n--- not\n{block.text}"

    def _sees(self, promised: str) -> bool:
        if all(
            re.search(pattern_of(line), self.said, re.MULTILINE) for line in promised.splitlines()
        ):
            return True
        if re.search(r"orderline (show|list|watch|quarantine$)", self._last, re.MULTILINE):
            self.said = self._types(self._last)  # it only looks, so the reader looks again
        return False

    def _types(self, commands: str) -> str:
        ran = subprocess.run(  # noqa: S603 -- our own document
            ["sh", "-ec", SOURCED + commands],  # noqa: S607 -- any shell
            cwd=self._clone,
            env=clean(COLUMNS="200"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout


def pattern_of(line: str) -> str:
    """A line of output, whatever its columns' widths, and whatever stands for ``…``."""
    words = (".+" if word == "…" else re.escape(word) for word in line.split())
    return r"\s+".join(words)


def test_the_tutorial_works_from_its_first_line_to_its_last(clone: Path) -> None:
    up, sourcing, *rest = blocks(TUTORIAL)
    assert (up.text, sourcing.text) == (f"{UP}\n", SOURCED)
    environment = clean(PATH=f"{clone / '.venv' / 'bin'}:{os.environ['PATH']}")
    with started("up", "--port", "0", cwd=clone, env=environment) as (process, printed):
        assert eventually(lambda: READY in printed.read_text()), printed.read_text()
        reader = Reader(clone)
        for block in rest:
            reader.does(block)
        heard = printed.read_text()
        assert re.search(r"second-1  no\. 2  in_doubt", heard)
        assert " quarantined " in heard
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert eventually(lambda: not relatives(environment))


def test_make_up_starts_what_the_test_above_does() -> None:
    [*_, last] = would_do(UP.split()).splitlines()
    assert last.split() == [".venv/bin/orderline", "up"]
