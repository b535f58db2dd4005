"""What a check came to."""

import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

LATE: Final = 10.0
"""Seconds after which what is due counts as late: somebody should know, nothing is red yet."""


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """It works, and somebody should know."""
    UNSAFE = "UNSAFE"
    """It works, and must not be so in production."""
    FAIL = "FAIL"
    """A promise cannot be kept like this."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result. ``advice`` is what to do; nothing where all is well.

    ``value`` and ``limit`` are seconds: what was measured, and from where on it fails.
    """

    level: Level
    check: str
    said: str
    advice: str = ""
    value: float | None = None
    limit: float | None = None

    @property
    def runbook(self) -> str | None:
        """Where the runbook has its entry; ``None`` where there is nothing to do at once."""
        if self.level not in {Level.FAIL, Level.UNSAFE}:
            return None
        words = re.sub(r"[^\w -]", "", self.check.lower()).replace(" ", "-")
        return f"deploy/runbook.md#health-{words}"

    def for_programs(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        return {**asdict(self), "runbook": self.runbook}


def ok(check: str, said: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, check, said)


def warn(check: str, said: str, advice: str) -> Finding:
    """Somebody should know."""
    return Finding(Level.WARN, check, said, advice)


def unsafe(check: str, said: str, advice: str) -> Finding:
    """Good for development only."""
    return Finding(Level.UNSAFE, check, said, advice)


def fail(check: str, said: str, advice: str) -> Finding:
    """A promise cannot be kept."""
    return Finding(Level.FAIL, check, said, advice)


def measured(
    check: str, said: str, advice: str, *, value: float | None, limit: float, late: float = LATE
) -> Finding:
    """An age that fails at its limit and is worth knowing once it is ``late``.

    ``None`` is the age of what is not there, and is well.
    """
    if value is None or value < min(late, limit):
        return Finding(Level.OK, check, said, value=value, limit=limit)
    level = Level.WARN if value < limit else Level.FAIL
    return Finding(level, check, said, advice, value, limit)
