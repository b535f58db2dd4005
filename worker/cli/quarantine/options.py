"""The options that the commands of the quarantine share."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from schemas.intents import FaultCode
from worker.store.intake import EntryKind
from worker.store.views_quarantine import Sought

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO: Final = re.compile(rf"([0-9]{{1,6}})([{''.join(_UNITS)}])")

_LONGEST_WHY: Final = 1000

Moment = datetime | timedelta
"""A moment, or how long ago it was."""


def read_since(text: str) -> Moment:
    """``2h`` or ``2026-11-22T10:00:00Z``; without an offset it is UTC, as everything printed is."""
    if ago := _AGO.fullmatch(text):
        return timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither a moment (2026-11-22, 2026-11-22T10:00:00Z) nor how long ago"
            " (90s, 30m, 2h, 7d, 1w)",
            param_hint="--since",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _check_why(why: str | None) -> str | None:
    if why is None:
        return None
    if not (0 < len(why.strip()) <= _LONGEST_WHY and why.isprintable()):
        raise typer.BadParameter(f"a reason is one line of 1 to {_LONGEST_WHY} characters")
    return why.strip()


Name = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The entry's id, its beginning, or the entry's id in its stream."
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ID...", help="Entries by their ids, as `show` takes them.", show_default=False
    ),
]
Producer = Annotated[str | None, typer.Option(help="Only of this producer.")]
Codes = Annotated[
    list[FaultCode] | None,
    typer.Option("--code", metavar="CODE", help="Only with this fault; several may be named."),
]
Kind = Annotated[EntryKind | None, typer.Option(help="Only intents, or only wishes to call off.")]
Since = Annotated[
    str | None,
    typer.Option(
        metavar="WHEN",
        help="Only what was set aside since: 2h, 7d, 2026-11-22T10:00:00Z.",
    ),
]
AtMost = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many, the oldest.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before many are changed.")]
Why = Annotated[
    str | None,
    typer.Option(metavar="TEXT", callback=_check_why, help="Why, for the record."),
]
Because = Annotated[
    str, typer.Option("--why", metavar="TEXT", callback=_check_why, help="Why, for the record.")
]
AsArrived = Annotated[
    bool,
    typer.Option("--as-arrived", help="The text as it arrived, not as it was mended since."),
]
JsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON object for each entry.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """How entries are chosen where they are not named."""

    producer: str | None
    codes: Sequence[FaultCode] | None
    kind: EntryKind | None
    since: str | None
    limit: int | None

    @property
    def given(self) -> bool:
        """Whether any of them was."""
        return any((self.producer, self.codes, self.kind, self.since, self.limit))

    def sought(self, *, closed_too: bool = False) -> Sought:
        """The entries that fit."""
        return Sought(
            producer=self.producer,
            codes=[code.value for code in self.codes or ()],
            kind=self.kind,
            since=None if self.since is None else read_since(self.since),
            closed_too=closed_too,
        )
