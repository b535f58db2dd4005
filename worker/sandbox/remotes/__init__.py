"""The simulated remotes, one folder each. A new one is written beside these and listed here."""

from typing import Final

from worker.sandbox.remote import Remote
from worker.sandbox.remotes.gifthub.remote import Gifthub
from worker.sandbox.remotes.hyperteknoloji.remote import Hyperteknoloji

REMOTES: Final[tuple[type[Remote], ...]] = (Hyperteknoloji, Gifthub)


def magic_values(remote: str) -> list[tuple[int | str, str]]:
    """The magic values of a remote and what each makes happen, for its documentation.

    Raises ``KeyError`` for a remote that is not simulated.
    """
    for known in REMOTES:
        if known.name == remote:
            return [(magic.value, magic.story) for magic in known.magic]
    raise KeyError(remote)
