"""What became of entries: a line each as it happens, and a sum; or a JSON object each."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

import pydantic_core
import typer
from rich.text import Text

from schemas.orders import stamp
from schemas.quarantine import Became, QuarantineView
from worker.cli.output import printable, say
from worker.operating.retrying import Told

_COLOURS: Final[Mapping[Became, str]] = {
    Became.ACCEPTED: "green",
    Became.REPEATED: "cyan",
    Became.TO_CANCEL: "green",
    Became.DROPPED: "yellow",
}
"""The others are failures."""

_DUE: Final = "due now: the sweep rings for it"


class Teller:
    """Tells each entry's end as it comes, and knows how the command is to end."""

    def __init__(self, *, as_json: bool, dry_run: bool = False) -> None:
        self._as_json = as_json
        self._dry_run = dry_run
        self._counts: Counter[Became] = Counter()

    def tell(self, entry: QuarantineView, told: Told) -> None:
        """Say what became of it."""
        self._counts[told.result] += 1
        if self._as_json:
            known = {name: fact for name, fact in asdict(told).items() if fact is not None}
            typer.echo(pydantic_core.to_json(known))
            return
        word = Text(f"{told.result:<9}", style=_COLOURS.get(told.result, "red"))
        where = f"  {entry.short_id}  {entry.producer} {entry.entry_id}  {_sentence(told)}"
        say(word + Text(printable(where).rstrip()))

    def end(self) -> None:
        """Say how many there were of each, and end with 1 if any is not as it was wanted."""
        if not self._as_json:
            if self._counts.total() != 1:
                sums = ", ".join(f"{count} {word}" for word, count in self._counts.items())
                say(sums or "No open entry fits.")
            if self._dry_run:
                say("This was a dry run: nothing was changed.")
        if self._counts.keys() - _COLOURS.keys():
            raise typer.Exit(1)


def _sentence(told: Told) -> str:
    match told.result:
        case Became.ACCEPTED:
            until = f", to be bought until {stamp(told.expires_at)}" if told.expires_at else ""
            if told.dry_run:
                return f"can become an order{until}"
            return f"order {told.order_id}{until}, {_DUE}"
        case Became.REPEATED:
            return f"the same as order {told.order_id}"
        case Became.TO_CANCEL:
            return f"order {told.order_id} is to be called off" + (
                "" if told.dry_run else f", {_DUE}"
            )
        case Became.FAULTY | Became.UNMENDED:
            code = f" ({told.code})" if told.code else ""
            return f"{told.path or 'the whole entry'}: {told.detail}{code}"
        case _:
            return told.detail or ""
