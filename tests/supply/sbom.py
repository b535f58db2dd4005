"""The list of parts, in CycloneDX's JSON: ``python -m tests.supply.sbom FILE``.

cyclonedx-py looks at a whole environment, tools included. Here is kept what requirements.txt
locks, so the list is that of the image. The same environment gives the same file.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from tests.supply.parts import ITSELF, ROOT, running


def main(target: str) -> int:
    """Write the list, and say how many parts it has."""
    made = subprocess.run(  # noqa: S603 -- a tool of ours
        [
            *(sys.executable, "-m", "cyclonedx_py", "environment"),
            *("--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible"),
            *("--output-format", "JSON", sys.executable),
        ],
        stdout=subprocess.PIPE,
        check=True,
    )
    kept = only(json.loads(made.stdout), {*running()})
    Path(target).write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    missing = {*running()} - {canonicalize_name(each["name"]) for each in kept["components"]}
    print(f"{target}: {len(kept['components'])} parts")  # noqa: T201 -- it is a command
    if missing:
        print(f"missing: {', '.join(sorted(missing))}")  # noqa: T201 -- it is a command
    return 1 if missing else 0


def only(bom: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """The list without the parts that have other names, and without what it says of those."""
    parts = [
        each
        for each in bom["components"]
        if canonicalize_name(each["name"]) in names and each["name"] != ITSELF
    ]
    for each in parts:  # where files lie on the machine that made the list
        each.pop("externalReferences", None)
    itself = bom["metadata"]["component"]["bom-ref"]
    known = {each["bom-ref"] for each in parts} | {itself}
    links = [
        each
        | (
            {"dependsOn": [ref for ref in each["dependsOn"] if ref in known]}
            if "dependsOn" in each
            else {}
        )
        for each in bom["dependencies"]
        if each["ref"] in known
    ]
    return bom | {"components": parts, "dependencies": links}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
