"""Passwords of operators: what is kept of one (Argon2id), and holding one against it.

Both take their time, on purpose, and much memory: call them in a thread, few at once.
"""

from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from worker.operating.words import Unfit

SHORTEST: Final = 12
LONGEST: Final = 1000
"""Characters; longer ones only cost time."""

_HASHER: Final = PasswordHasher()


def check_password(password: str) -> str:
    """A password that may be chosen. Raises ``Unfit``."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Unfit(f"a password has {SHORTEST} to {LONGEST} characters")
    return password


def hash_of(password: str) -> str:
    """What is kept of a password."""
    return _HASHER.hash(password.encode(errors="surrogateescape"))


def fits(kept: str, password: str) -> bool:
    """Whether this is the password of which that is kept."""
    if len(password) > LONGEST:
        return False
    try:
        return _HASHER.verify(kept, password.encode(errors="surrogateescape"))
    except (VerificationError, InvalidHashError):
        return False
