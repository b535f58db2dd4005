"""The files in ``docs/contract``, as the models have them.

``python -m tests.docs.contract_pages`` lists those that differ, ``--write`` makes them what they
should be. The README beside them is a person's.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from schemas import contract
from worker.gateway import app

HOME: Final = Path(__file__).parents[2] / "docs" / "contract"


def pages() -> dict[Path, str]:
    """What each file of this version holds."""
    schemas = {f"{name}.schema": said for name, said in contract.documents().items()}
    return {
        HOME / contract.VERSION / f"{name}.json": _written(said)
        for name, said in {**schemas, "gateway.openapi": app.document()}.items()
    }


def _written(document: dict[str, Any]) -> str:
    return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n"


def differing() -> list[Path]:
    """The files that are not as they should be, those that nothing tells of included."""
    wanted = pages()
    kept = {path for path in (HOME / contract.VERSION).glob("*") if path.is_file()}
    return sorted(
        path
        for path in kept | {*wanted}
        if path not in kept or path.read_text(encoding="utf-8") != wanted.get(path)
    )


def _write() -> None:
    wanted = pages()
    for path in differing():
        if path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()


if __name__ == "__main__":
    if "--write" in sys.argv:
        _write()
    else:
        print(*differing(), sep="\n")  # noqa: T201 -- it is a command
