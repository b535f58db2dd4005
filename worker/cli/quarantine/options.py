"""The options that the commands of the quarantine share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from schemas.intents import FaultCode
from worker.cli.options import read_since
from worker.store.intake import EntryKind
from worker.store.views_quarantine import Sought

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
