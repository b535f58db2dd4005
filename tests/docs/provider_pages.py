"""The tables of the providers' pages, as the code would have them.

``python -m tests.docs.provider_pages`` prints them, ``--write`` puts them where they belong: the
errors of every page, and the checked cells of the overview. The prose is a person's.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.providers.collected import counted_by_provider, suites_of
from tests.providers.suite import Means
from tests.providers.trial import remote_of
from worker.outcome import (
    Absent,
    Checked,
    Confirmed,
    InDoubt,
    NotSent,
    Pending,
    Refused,
)
from worker.provider import Account
from worker.providers import REGISTRY

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = ROOT / "deploy" / "providers"
OVERVIEW: Final = PAGES / "README.md"

ALL: Final = "## Overview"
ERRORS: Final = "## Documented errors"
SETTINGS: Final = "## Account settings"
ASSUMED: Final = "## Assumed"

Rows = list[list[str]]

_WORDS: Final[Mapping[Any, str]] = {
    Absent: "absent",
    Checked: "let in",
    Confirmed: "confirmed",
    InDoubt: "in doubt",
    NotSent: "not sent",
    Pending: "pending",
    Refused: "refused",
}


def page(name: str) -> str:
    """A provider's page."""
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def is_draft(text: str) -> bool:
    return text.startswith("Draft")


def rows(text: str, heading: str) -> Rows:
    """The table below a heading, without its head."""
    return [_cells(line) for line in text[slice(*_place(text, heading))].splitlines()][2:]


def columns(text: str, heading: str) -> list[str]:
    return _cells(text[slice(*_place(text, heading))].splitlines()[0])


# --- what is true --------------------------------------------------------------------------------


def errors_of(name: str) -> list[tuple[str, str, str]]:
    """Every documented error of the simulated remote, and what our tests want made of it."""
    means = _meanings(name)
    remote = remote_of(name)
    return [
        (one.operation, one.name, _meaning(means[one.operation, one.name]))
        for one in remote.documented
    ]


def grouped(errors: Iterable[tuple[str, str, str]]) -> Rows:
    """The same with calls in one row that are answered alike."""
    calls: dict[tuple[str, str], list[str]] = {}
    for call, said, meaning in errors:
        calls.setdefault((said, meaning), []).append(call)
    return [[", ".join(of), said, meaning] for (said, meaning), of in calls.items()]


def settings_of(name: str) -> dict[str, str]:
    """The provider's own settings, each with how its default is written."""
    return {
        field.upper(): _default(info)
        for field, info in REGISTRY[name].account_model.model_fields.items()
        if field not in Account.model_fields or not _same(info, field)
    }


def facts_of(name: str) -> dict[str, str]:
    """The checked cells of the overview, by column."""
    capabilities = REGISTRY[name].capabilities
    doubts = {
        "place": capabilities.after_place,
        "confirm": capabilities.after_confirm,
        "cancel": capabilities.after_cancel,
    }
    return {
        "after an unknown outcome": ", ".join(
            f"{call} `{doubt}`" for call, doubt in doubts.items() if doubt
        ),
        "books": f"`{capabilities.books}`",
        "phases": "2" if capabilities.two_phase else "1",
        "errors": str(len(errors_of(name))),
        "tests": str(counted_by_provider()[name]),
    }


def _meanings(name: str) -> dict[tuple[str, str], Means]:
    """What the provider's suites say, the first of them where several do."""
    suites = reversed(suites_of(name))
    return {key: means for suite in suites for key, means in suite.documented.items()}


def _meaning(means: Means) -> str:
    said = _WORDS[means.outcome]
    if means.code is not None:
        return f"{said}: {means.code}"
    return f"{said}: token renewed" if means.token_rejected else said


def _default(info: Any) -> str:
    if info.is_required():
        return "needed"
    if info.default is None:
        return "none"
    value = info.default
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _same(info: Any, field: str) -> bool:
    """Whether a provider leaves a setting that all have as it is."""
    return bool(info.is_required() or info.default == Account.model_fields[field].default)


# --- tables --------------------------------------------------------------------------------------


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def _place(text: str, heading: str) -> tuple[int, int]:
    """Where the table below a heading stands."""
    found = re.search(
        rf"^{re.escape(heading)}\n(?:[^|#\n].*\n|\n)*((?:\|.*\n)+)", text, re.MULTILINE
    )
    assert found, f"no table below {heading}"
    return found.span(1)


def _written(head: Sequence[str], body: Rows) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _replaced(text: str, heading: str, body: Rows) -> str:
    start, end = _place(text, heading)
    return text[:start] + _written(columns(text, heading), body) + text[end:]


def renewed() -> Iterator[tuple[Path, str]]:
    """Every page as it should be, as far as the code knows."""
    names = [name for name in REGISTRY if (PAGES / f"{name}.md").exists()]
    for name in names:
        yield PAGES / f"{name}.md", _replaced(page(name), ERRORS, grouped(errors_of(name)))
    text = OVERVIEW.read_text(encoding="utf-8")
    head, body = columns(text, ALL), rows(text, ALL)
    for row in body:
        name = named_in(row)
        facts = facts_of(name) if name in REGISTRY else {}
        row[:] = [facts.get(column, cell) for column, cell in zip(head, row, strict=True)]
    yield OVERVIEW, _replaced(text, ALL, body)


def named_in(row: Sequence[str]) -> str:
    """The provider that a row of the overview is about."""
    found = re.search(r"\((\w+)\.md\)", row[0])
    assert found, row
    return found[1]


def main(arguments: Sequence[str]) -> None:
    for path, text in renewed():
        if "--write" in arguments:
            path.write_text(text, encoding="utf-8")
        else:
            heading = ALL if path == OVERVIEW else ERRORS
            sys.stdout.write(f"{path.name}\n\n{text[slice(*_place(text, heading))]}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
