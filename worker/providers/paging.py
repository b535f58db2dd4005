"""How far a list was read, page by page, as text that can be kept. Pure. Knows no provider.

A newest-first list shifts while it is read: what is added at its head comes up again on the next
page, and nothing is skipped by that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final, Self

MOST_REPEATS: Final = 3
"""How often in a row a page may equal the one before: once is what a whole page of new orders
looks like, so often is what a list looks like that has no pages."""

_MARK_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class Place:
    """The page that is next, counted from 1.

    ``read`` is how many entries were shown before it, those that were shown again included. The
    page before is known again by its ``mark``; ``repeats`` is how many more in a row have borne it.
    """

    number: int = 1
    read: int = 0
    mark: str = ""
    repeats: int = 0

    @classmethod
    def kept(cls, text: str | None) -> Self:
        """The place that was kept as ``text``; the beginning where none was.

        Raises ``ValueError`` for a text that is none of ours.
        """
        if text is None:
            return cls()
        number, read, repeats, mark = text.split(":")
        return cls(int(number), int(read), mark, int(repeats))

    def __str__(self) -> str:
        return f"{self.number}:{self.read}:{self.repeats}:{self.mark}"

    def after(self, names: Sequence[object]) -> Self:
        """The place after a page that holds entries of these names."""
        mark = sha256("\n".join(map(str, names)).encode()).hexdigest()[:_MARK_LENGTH]
        return replace(
            self,
            number=self.number + 1,
            read=self.read + len(names),
            mark=mark,
            repeats=self.repeats + 1 if mark == self.mark else 0,
        )


def reaches_back(times: Iterable[datetime | None], since: datetime) -> bool:
    """Whether a page ends, newest first, before anything that was made since a moment."""
    all_times = list(times)
    known = [time for time in all_times if time is not None]
    newest_first = len(known) == len(all_times) and known == sorted(known, reverse=True)
    return newest_first and bool(known) and known[-1] < since
