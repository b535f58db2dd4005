"""Under which licences the parts are, and which of those may be among them.

``python -m tests.supply.licences`` prints them; it fails where one may not, or says nothing.
"""

import re
import sys
from importlib.metadata import Distribution
from typing import Final

from tests.supply.parts import elsewhere, installed, running

ALLOWED: Final = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD",  # two or three clauses; the package does not say
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "LGPL-3.0-only",  # psycopg: used as it is, never changed or linked into anything
        "MIT",
        "MIT-0",
        "MPL-2.0",  # certifi: a list, used as it is
        "PSF-2.0",
    }
)

ELSEWHERE: Final = {"async-timeout": "Apache-2.0", "colorama": "BSD-3-Clause"}
"""What this machine has not installed, so that somebody looked it up."""

_MEANT: Final = {
    "Apache 2.0": "Apache-2.0",
    "Apache": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "GPL-3.0": "GPL-3.0-only",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "New BSD": "BSD-3-Clause",
    "Python Software Foundation License": "PSF-2.0",
}
"""Older ways of saying it. Several classifiers are a choice."""


def licence(part: Distribution) -> str:
    """What a package says of itself, as an SPDX expression where it can be read as one."""
    expression, text = _said(part, "License-Expression"), _said(part, "License")
    if expression:
        return _MEANT.get(expression, expression)
    marked = part.metadata.get_all("Classifier") or []
    classes = [str(each).rpartition(" :: ")[2] for each in marked if each.startswith("License")]
    classes = [_MEANT.get(each, each) for each in classes]
    if len(classes) > 1:
        return " OR ".join(sorted(classes))
    said = _MEANT.get(text, text)
    if said in ALLOWED or not classes:
        return said
    return classes[0]


def _said(part: Distribution, field: str) -> str:
    return "".join(map(str, part.metadata.get_all(field) or [])).strip()


def allowed(expression: str) -> bool:
    """Whether all that must be kept of an expression may be: ``A AND (B OR C)`` is two demands."""
    demands = re.split(r"\s+AND\s+", expression.replace("(", "").replace(")", ""))
    return all(
        any(choice.strip() in ALLOWED for choice in re.split(r"\s+OR\s+", demand))
        for demand in demands
    )


def found() -> dict[str, str]:
    """The licence of each package that requirements.txt locks; empty where nothing is said."""
    said = {name: licence(part) for name in running() if (part := installed(name))}
    return said | {name: ELSEWHERE.get(name, "") for name in elsewhere()}


def main() -> int:
    """Print the licences; 1 where one is not allowed."""
    licences = found()
    for name, expression in sorted(licences.items()):
        mark = " " if allowed(expression) else "!"
        print(f"{mark} {name:<28} {expression or 'says nothing'}")  # noqa: T201 -- it is a command
    refused = [name for name, expression in licences.items() if not allowed(expression)]
    print(f"{len(licences)} packages, {len(refused)} under a licence that is not allowed")  # noqa: T201 -- it is a command
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
