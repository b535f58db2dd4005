"""The list of metrics in ``deploy/metrics.md``, as the code has it.

``python -m tests.docs.metrics_page`` prints its tables, ``--write`` puts them where they belong.
What stands around them is a person's.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from worker.metrics.families import GATEWAY, WORKER, Family
from worker.metrics.standing import STANDING

PAGE: Final = Path(__file__).parents[2] / "deploy" / "metrics.md"

PARTS: Final[dict[str, Sequence[Family]]] = {
    "## What the database and Redis know": STANDING,
    "## What a worker sees": WORKER,
    "## What a gateway sees": GATEWAY,
}


def table(families: Sequence[Family]) -> str:
    """One part, as a table."""
    lines = ["| metric | kind | labels | what it means |", "|---|---|---|---|"]
    for family in families:
        labels = ", ".join(f"`{label}`" for label in family.labels)
        lines.append(f"| `{family.exposed}` | {family.kind} | {labels} | {family.means} |")
    return "\n".join(lines)


def tables(text: str) -> Iterator[tuple[str, slice]]:
    """Each part's heading, and where its table stands in the text."""
    for heading in PARTS:
        begins = text.index("\n|", text.index(heading)) + 1
        ends = text.find("\n\n", begins)
        yield heading, slice(begins, len(text) if ends < 0 else ends)


def written(text: str) -> str:
    """The page with its tables as they should be."""
    for heading, place in reversed([*tables(text)]):
        text = f"{text[: place.start]}{table(PARTS[heading])}{text[place.stop :].rstrip(' ')}"
    return f"{text.rstrip()}\n"


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(*(f"{heading}\n\n{table(PARTS[heading])}\n" for heading in PARTS), sep="\n")  # noqa: T201 -- it is a command
