"""``python -m tests.mutants [AREA …]``: change, test, count. Fails where a score is too low."""

import sys
from datetime import UTC, datetime

from tests.mutants import functions, tables
from tests.mutants.areas import AREAS
from tests.mutants.ground import ROOT, Score, say


def main(names: list[str]) -> int:
    """Score the areas that are named, or all; the survivors go to ``build/mutants``."""
    unknown = {*names} - {area.name for area in AREAS}
    if unknown:
        say(f"no such area: {', '.join(sorted(unknown))}")
        return 2
    low = []
    say(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    for area in AREAS:
        if names and area.name not in names:
            continue
        total = Score()
        for part in (functions, tables):
            total.add(part.score(area))
        survivors = ROOT / "build" / "mutants" / f"{area.name}.txt"
        survivors.write_text("\n\n".join(total.survivors) + "\n", encoding="utf-8")
        say(
            f"{area.name:<10} {total.tried:>5} changes, {total.noticed:>5} noticed:"
            f" {total.share:>5} %, {len(total.survivors)} survivors, floor {area.floor} %"
        )
        low += [area.name] if total.share < area.floor else []
    if low:
        say(f"below the floor: {', '.join(low)}")
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
