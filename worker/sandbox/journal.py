"""What was asked of the remotes, call by call, and what became of it. Kept in memory.

No body, query or header is kept: they hold tokens, codes and personal data.
"""

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from worker.sandbox.faults import Fault

KEPT: Final = 50_000
"""How many entries are kept; the counts go on."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One call to a remote or, with ``operation`` "callback", one try from it.

    ``status`` is what the remote answered, ``None`` when it gave no HTTP answer. ``note`` says
    what an entry's other fields cannot.
    """

    at: datetime
    remote: str
    operation: str
    method: str
    path: str
    executed: bool
    fault: Fault = Fault.NONE
    status: int | None = None
    note: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The entry as ``GET /_sandbox/journal`` shows it."""
        return {
            "at": self.at.isoformat(),
            "remote": self.remote,
            "operation": self.operation,
            "method": self.method,
            "path": self.path,
            "executed": self.executed,
            "fault": self.fault.value,
            "status": self.status,
            "note": self.note,
        }


class Journal:
    """The last ``KEPT`` entries in order, and exact counts of everything since the reset."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=KEPT)
        self._counts: Counter[tuple[str, str, bool]] = Counter()

    def add(self, entry: Entry) -> None:
        """Write one entry down."""
        self.entries.append(entry)
        self._counts[entry.remote, entry.operation, entry.executed] += 1

    def clear(self) -> None:
        """Forget entries and counts."""
        self.entries.clear()
        self._counts.clear()

    def hits(
        self, remote: str, operation: str | None = None, *, executed: bool | None = None
    ) -> int:
        """How many calls reached a remote; by operation, and by whether they were executed."""
        return sum(
            count
            for (name, called, acted), count in self._counts.items()
            if name == remote
            and (called == operation if operation else called != "callback")
            and executed in (None, acted)
        )
