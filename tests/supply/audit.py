"""Known holes in what requirements.txt locks, asked of the public list by pip-audit.

``python -m tests.supply.audit`` fails where there is one. Where the list cannot be had nobody
knows, and pip-audit itself may then call everything fine: so what it skipped is counted, and
said. ``--must`` makes that a failure, too, for a pipeline that has a network.
"""

import json
import subprocess
import sys
from typing import Any, Final

from tests.supply.parts import ROOT, locked

UNKNOWN: Final = 3
"""The status of an audit that could not be made and had to be."""


def main(words: list[str]) -> int:
    """Run pip-audit, and tell a hole from a silence."""
    ended = subprocess.run(  # noqa: S603 -- a tool of ours
        [
            *(sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip"),
            *("--requirement", str(ROOT / "requirements.txt"), "--progress-spinner", "off"),
            *("--timeout", "15", "--format", "json"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        parts = json.loads(ended.stdout)["dependencies"]
    except ValueError:
        print(ended.stderr.strip()[-2000:])  # noqa: T201 -- it is a command
        parts = []
    lines, status = judged(parts, must="--must" in words)
    print("\n".join(lines))  # noqa: T201 -- it is a command
    return status


def judged(parts: list[dict[str, Any]], *, must: bool) -> tuple[list[str], int]:
    """What to say of pip-audit's answer, and with which status to end."""
    looked_up = [each for each in parts if "vulns" in each]
    holes = [
        f"{each['name']} {each['version']}: {hole['id']}, mended in {hole['fix_versions']}"
        for each in looked_up
        for hole in each["vulns"]
    ]
    unknown = sorted(each["name"] for each in parts if "vulns" not in each)
    lines = [f"{len(looked_up)} packages audited, {len(holes)} known holes", *holes]
    if not looked_up:
        lines = [
            f"NOTHING WAS AUDITED: pip-audit could not look up one of {len([*locked()])} packages"
        ]
    elif unknown:
        lines.append(f"not audited: {', '.join(unknown)}")
    if holes:
        return lines, 1
    return lines, UNKNOWN if must and (unknown or not looked_up) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
