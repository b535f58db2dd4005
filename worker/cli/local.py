"""What ``demo`` and ``up`` share: servers of this machine, kept apart from everything else on it.

Both order from simulated providers only. So nothing that the caller has configured may reach
their processes, accounts of real providers least of all: only the two servers may be given, their
key, and where else on this machine notifications may go.
"""

import os
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Final

from worker.errors import EmbeddedError
from worker.settings import PREFIX

DATABASE_URL: Final = f"{PREFIX}DATABASE_URL"
REDIS_URL: Final = f"{PREFIX}REDIS_URL"
DEVELOPMENT_HOSTS: Final = f"{PREFIX}DEVELOPMENT_HOSTS"
KEYS: Final = f"{PREFIX}ENCRYPTION_KEYS"


def given(variable: str) -> str | None:
    """A variable of our environment; an empty one counts as not given."""
    return os.environ.get(variable) or None


@contextmanager
def apart(folder: Path) -> Iterator[None]:
    """Hide every Orderline setting of the environment, and any ``.env``, while the block lasts.

    ``folder`` becomes the working directory, since that is where ``.env`` would be read.
    """
    before = dict(os.environ)
    for name in before:
        if name.upper().startswith(PREFIX):
            del os.environ[name]
    try:
        with chdir(folder):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def needing_extra() -> Iterator[None]:
    """Say which extra is missing when an import in this block fails for the want of it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise EmbeddedError(
            f"{error.name} is not installed: install Orderline with its `embedded` extra."
        ) from None
