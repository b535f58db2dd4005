"""File locks that say who lives: the system drops them with the last process that holds them."""

import fcntl
import os
from pathlib import Path


def take(path: Path, *, create: bool = False) -> int | None:
    """A descriptor that holds the file's lock until it and its inherited copies are closed.

    ``None`` while another process holds it.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_held(path: Path) -> bool:
    """Whether a living process holds the file's lock; nobody holds a file that is not there."""
    try:
        descriptor = take(path)
    except FileNotFoundError:
        return False
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is None
