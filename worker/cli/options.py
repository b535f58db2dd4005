"""Options that several groups of commands share, and how what is written in them is read."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

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


def read_span(text: str, option: str, longest: timedelta) -> timedelta:
    """``90m``, ``24h``, ``7d``: some time, and no more than ``longest``."""
    some = _AGO.fullmatch(text)
    length = timedelta(**{_UNITS[some[2]]: int(some[1])}) if some else timedelta()
    if not timedelta() < length <= longest:
        raise typer.BadParameter(
            f"{text!r} is no time like 90m, 24h or 7d, above zero and at most {longest.days} days",
            param_hint=option,
        )
    return length


def _check_why(why: str | None) -> str | None:
    if why is None:
        return None
    if not (0 < len(why.strip()) <= _LONGEST_WHY and why.isprintable()):
        raise typer.BadParameter(f"a reason is one line of 1 to {_LONGEST_WHY} characters")
    return why.strip()


def refuse_options(ctx: typer.Context) -> None:
    """An option of the listing would not reach the command behind it, which might do too much."""
    for name in ctx.params:
        source = ctx.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(
                f"options of `{ctx.invoked_subcommand}` are written behind it", ctx=ctx
            )


Why = Annotated[
    str | None,
    typer.Option(metavar="TEXT", callback=_check_why, help="Why, for the record."),
]
Because = Annotated[
    str, typer.Option("--why", metavar="TEXT", callback=_check_why, help="Why, for the record.")
]
