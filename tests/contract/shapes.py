"""Intents and wishes as producers of each version send them, and what they mean for ever.

A file in ``stored/<version>`` is never changed and never taken away. A new shape gets a new one:
``python -m tests.contract.shapes gifthub.with_colour < intent.json`` writes what it says, beside
what the reader of today makes of it.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from schemas import contract
from schemas.cancels import read_cancel
from schemas.intents import read_intent

HOME: Final = Path(__file__).parent / "stored"
PRODUCER: Final = "shop-eu"
CANCEL: Final = "cancel"


@dataclass(frozen=True, slots=True)
class Stored:
    """What a producer said once, and what was made of it then."""

    path: Path
    said: dict[str, Any]
    means: dict[str, Any]
    fingerprint: str | None

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def subject(self) -> str:
        """The provider that it is for, or ``cancel``."""
        return self.path.name.partition(".")[0]

    @property
    def raw(self) -> bytes:
        """The entry's bytes."""
        return json.dumps(self.said, ensure_ascii=False).encode()


def understood(subject: str, raw: bytes) -> tuple[dict[str, Any], str | None]:
    """What the reader of today makes of it: the document that is kept, and the fingerprint."""
    if subject == CANCEL:
        return read_cancel(raw, producer=PRODUCER).model_dump(mode="json"), None
    read = read_intent(raw, producer=PRODUCER)
    return read.document, read.fingerprint


def all_stored() -> list[Stored]:
    """Every one, of every version."""
    return [
        Stored(path, **json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(HOME.glob("*/*.json"))
    ]


def _add(name: str, raw: bytes) -> None:
    means, fingerprint = understood(name.partition(".")[0], raw)
    kept = {"said": json.loads(raw), "means": means, "fingerprint": fingerprint}
    path = HOME / contract.VERSION / f"{name}.json"
    with path.open("x", encoding="utf-8") as file:  # one that is there stays as it is
        file.write(f"{json.dumps(kept, indent=2, ensure_ascii=False)}\n")


if __name__ == "__main__":
    _add(sys.argv[1], sys.stdin.buffer.read())
