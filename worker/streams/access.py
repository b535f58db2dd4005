"""Who may do what in Redis: the user of each producer, as an ACL rule. Redis 6.2 is the floor.

A rule names commands and keys, never a command's options: ``XADD`` with ``MAXLEN`` trims, and
cannot be told from one without. So a producer can throw away what waits in its own stream, and
make its own ids; nobody else's.
"""

from hashlib import sha256
from typing import Final

from worker.streams.intents import stream_of

PLACEHOLDER: Final = "#PASSWORD-SHA256"
"""What Redis refuses in a rule, so that nobody gets a password by accident that all know."""

_COMMANDS: Final = ("xadd", "ping", "auth", "hello")


def producer_user(producer: str) -> str:
    """The name of its user: never ``default``, which is everybody who names none."""
    return f"producer-{producer}"


def producer_rule(
    producer: str, password: str | None, database: int = 0, *, on: bool = True
) -> str:
    """The command that makes a producer's user, or sets it right: it may add to its stream.

    The password is told by its SHA-256. A ``database`` other than 0 has to be selected first.
    """
    known = PLACEHOLDER if password is None else f"#{sha256(password.encode()).hexdigest()}"
    commands = [*_COMMANDS, *(["select"] if database else [])]
    return " ".join(
        [
            "ACL SETUSER",
            producer_user(producer),
            "reset",
            "on" if on else "off",
            known,
            f"~{stream_of(producer)}",
            "resetchannels",
            "-@all",
            *(f"+{command}" for command in commands),
        ]
    )
