"""The simulated remotes, one folder each: its ``REMOTE`` is found by the folder's name."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from worker.sandbox.remote import Remote


def _remotes() -> tuple[type[Remote], ...]:
    names = sorted(module.name for module in iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}").REMOTE for name in names)


REMOTES: Final = _remotes()


def magic_values(remote: str) -> list[tuple[int | str, str]]:
    """The magic values of a remote and what each makes happen, for its documentation.

    Raises ``KeyError`` for a remote that is not simulated.
    """
    for known in REMOTES:
        if known.name == remote:
            return [(magic.value, magic.story) for magic in known.magic]
    raise KeyError(remote)
