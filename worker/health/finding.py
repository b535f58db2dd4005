"""What a check came to."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """It works, and somebody should know."""
    FAIL = "FAIL"
    """A promise cannot be kept like this."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result. ``advice`` is what to do; nothing where all is well."""

    level: Level
    check: str
    said: str
    advice: str = ""


def ok(check: str, said: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, check, said)


def warn(check: str, said: str, advice: str) -> Finding:
    """Somebody should know."""
    return Finding(Level.WARN, check, said, advice)


def fail(check: str, said: str, advice: str) -> Finding:
    """A promise cannot be kept."""
    return Finding(Level.FAIL, check, said, advice)
