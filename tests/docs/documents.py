"""The Markdown files of this repository: their links, headings and code."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from tests.docs.markdown import ROOT

_MADE: Final = frozenset({"build", "node_modules", "templates"})
"""Folders whose pages are nobody's to read here."""
_FENCE: Final = re.compile(r"^ *(```|~~~)")
_SPAN: Final = re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n\n).)+?(?<!`)\1(?!`)", re.DOTALL)
_HEADING: Final = re.compile(r"^ {0,3}(#{1,6}) +(.+?)(?: +#+)? *$")
_LINK: Final = re.compile(r"\]\(<?([^)\s>]+)>?(?: +[\"'][^)]*)?\)")
_DEFINED: Final = re.compile(r"^ {0,3}\[[^\]]+\]: *<?(\S+?)>?$", re.MULTILINE)
_TAG: Final = re.compile(r"<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)=\"([^\"]+)\"")
_NAMED: Final = re.compile(r"<[a-z0-9]+\b[^>]*?\b(?:id|name)=\"([^\"]+)\"")


def documents() -> list[str]:
    """Every Markdown file, by its path from the root."""
    found = [path.relative_to(ROOT) for path in ROOT.rglob("*.md")]
    return sorted(path.as_posix() for path in found if _is_ours(path))


@cache
def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def links(document: str) -> Iterator[str]:
    """Where a document's links lead, as they are written; none in its code."""
    prose = _without_code(text_of(document))
    for pattern in (_LINK, _DEFINED, _TAG):
        yield from pattern.findall(prose)


@cache
def anchors(document: str) -> frozenset[str]:
    """What a link may name behind ``#``: GitHub's names of headings, and ids that were given."""
    prose = "\n".join(_outside_fences(text_of(document)))
    counted: Counter[str] = Counter()
    named = {*_NAMED.findall(_without_code(text_of(document)))}
    for line in prose.splitlines():
        if heading := _HEADING.match(line):
            name = anchor(heading[2])
            named.add(f"{name}-{counted[name]}" if counted[name] else name)
            counted[name] += 1
    return frozenset(named)


def anchor(heading: str) -> str:
    """How GitHub links to a heading: its words, without what links and code are written with."""
    words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


def blocks(document: str, language: str) -> list[str]:
    """The code of one language that a document shows."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", text_of(document), re.DOTALL | re.MULTILINE)
    return [str(each) for each in found]


def languages(document: str) -> list[str]:
    """The languages of the code that a document shows; an empty name where it says none."""
    found = re.findall(r"^```(.*)\n(?:.*\n)*?```$", text_of(document), re.MULTILINE)
    return sorted({*found})


def typed(document: str) -> str:
    """All that a document shows as code, in its sentences and beside them; one a line."""
    prose = "\n".join(_outside_fences(text_of(document)))
    spans = [" ".join(each[0].split()) for each in _SPAN.finditer(prose)]
    shown = text_of(document).splitlines()
    for line in prose.splitlines():
        shown.remove(line)
    return "\n".join([*(span.strip("` ") for span in spans), *shown, ""])


def _is_ours(path: Path) -> bool:
    folders = path.parts[:-1]
    return not any(each in _MADE or each.startswith(".") for each in folders)


def _without_code(text: str) -> str:
    return _SPAN.sub("", "\n".join(_outside_fences(text)))


def _outside_fences(text: str) -> Iterator[str]:
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1] == fence:
            fence = ""
        elif not fence:
            yield line
