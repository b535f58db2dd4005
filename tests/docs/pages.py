"""The pages that are written by people: tutorial, how-tos, explanation, decisions; their code."""

import os
import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
TUTORIAL: Final = "docs/tutorial.md"

_BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """Something that a page shows as it is to be typed, saved or seen."""

    language: str
    text: str


def pages(*folders: str) -> list[str]:
    """The pages of these folders of ``docs``, by their paths from the root."""
    found = (path for folder in folders for path in (DOCS / folder).glob("*.md"))
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


DECISIONS: Final = pages("adr")
HOW_TOS: Final = pages("how-to")
PAGES: Final = [TUTORIAL, *HOW_TOS, *pages("explanation"), *DECISIONS]


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[Block]:
    """What a page shows, from its top to its end."""
    return [Block(language, text) for language, text in _BLOCK.findall(text_of(page))]


def commands(page: str) -> list[list[str]]:
    """Every line of a page's shell blocks, word by word, without comments."""
    shown = (block.text for block in blocks(page) if block.language == "sh")
    words = (shlex.split(line, comments=True) for text in shown for line in text.splitlines())
    return [line for line in words if line]


def headings(page: str) -> list[str]:
    return re.findall(r"^## (.+)$", text_of(page), re.MULTILINE)


def paths(page: str) -> list[str]:
    """The files of this repository that a page names without linking to them."""
    rooms = "tests|worker|schemas|tasks|deploy"
    return re.findall(rf"`((?:{rooms})/[\w./*-]+)`", _BLOCK.sub("", text_of(page)))


def would_do(words: Sequence[str]) -> str:
    """What ``make`` would do, printed and not done; also where a ``make`` runs these tests."""
    bare = {name: value for name, value in os.environ.items() if not re.match("M(AK|FLAG)", name)}
    return subprocess.run(  # noqa: S603 -- what a page of ours shows
        [*words, "--dry-run"], cwd=ROOT, env=bare, check=True, capture_output=True, text=True
    ).stdout
