"""``orderline report``: one day in numbers, money exact to the last digit."""

import asyncio
from datetime import date, timedelta
from typing import Annotated, Final

import typer

from schemas.books import DayReport, DayTotals, RunView
from schemas.orders import span, stamp
from worker.cli.differences.table import print_differences
from worker.cli.output import NOTHING, Cell, Column, Json, print_json, print_table, say
from worker.cli.report_csv import print_csv
from worker.cli.session import opened
from worker.operating.advice import advised
from worker.providers import REGISTRY
from worker.store.views_report import Day, day_report

_AGO: Final = {"today": timedelta(0), "yesterday": timedelta(days=1)}

_TOTALS: Final = (
    Column("account", whole=True),
    Column("currency", whole=True),
    Column("accepted", right=True),
    Column("ended"),
    Column("bought", right=True),
    Column("charged", right=True, whole=True),
    Column("of unknown total", right=True),
    Column("ended after buying", right=True),
    Column("to refund", right=True, whole=True),
)
_RUNS: Final = (
    Column("account", whole=True),
    Column("began", whole=True),
    Column("took", right=True, whole=True),
    Column("state", whole=True),
    Column("orders", right=True),
    Column("entries", right=True),
    Column("new differences"),
    Column("asked by"),
    Column("reason"),
)


def _read_day(written: str) -> Day:
    if written in _AGO:
        return _AGO[written]
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise typer.BadParameter(
            f"{written!r} is no day: today, yesterday or a date like 2026-11-22",
            param_hint="--day",
        ) from None


def report(
    *,
    day: Annotated[
        str, typer.Option(metavar="DAY", help="today, yesterday, or a date like 2026-11-22; UTC.")
    ] = "today",
    provider: Annotated[str | None, typer.Option(help="Only of this provider.")] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print the totals as CSV, and nothing else.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Tell one day in numbers: accepted, ended, bought, charged; and in what the books differ.

    A day is one in UTC, by the database's clock. An order is counted in one row of its account and
    currency: as accepted, bought and ended on the days when that happened. Charged is what the
    providers ask for the orders bought that day; to be refunded, what those cost that ended that
    day as failed or cancelled although they had been bought. Differences are all that are open now.

    Example: orderline report --day yesterday --csv
    """
    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json exclude each other")
    if provider is not None and provider not in REGISTRY:
        known = ", ".join(sorted(REGISTRY))
        raise typer.BadParameter(
            f"there is no provider {provider!r} (there are {known})", param_hint="--provider"
        )
    told = asyncio.run(_read(_read_day(day), provider))
    if as_csv:
        print_csv(told)
    elif as_json:
        print_json(told)
    else:
        _print(told)


async def _read(day: Day, provider: str | None) -> DayReport:
    async with opened() as session:
        retention = session.settings.retention
        told = await day_report(session.db, day, retention=retention, provider=provider)
        return told.model_copy(update={"open": tuple(await advised(told.open, session.runtime))})


def _print(told: DayReport) -> None:
    say(f"{told.day:%Y-%m-%d} (UTC), as of {stamp(told.as_of)}")
    if not told.whole:
        say("Orders of that day may have been purged already: what is left of them is counted.")
    say("")
    print_table(_TOTALS, [_totals(each) for each in told.totals], "Nothing happened on that day.")
    say("")
    say("Open differences between the books")
    print_differences(told.open, "none")
    say("")
    say("Reconciliations that began on that day")
    print_table(_RUNS, [_run(each) for each in told.runs], "none")


def _totals(each: DayTotals) -> list[Cell]:
    ended = ", ".join(f"{count} {state}" for state, count in each.ended.items() if count)
    return [
        f"{each.provider}/{each.account}",
        each.currency or NOTHING,
        str(each.accepted),
        ended or NOTHING,
        str(each.bought),
        each.charged,
        str(each.of_unknown_total),
        str(each.ended_after_buying),
        each.to_refund,
    ]


def _run(run: RunView) -> list[Cell]:
    found = ", ".join(f"{count} {kind}" for kind, count in sorted(run.found.items()) if count)
    took = span((run.ended_at or run.as_of) - run.started_at)
    return [
        run.name,
        stamp(run.started_at),
        took if run.ended_at else f"{took} so far",
        run.state,
        f"{run.compared} of {run.orders}",
        str(run.entries),
        found or NOTHING,
        run.asked_by,
        run.reason or NOTHING,
    ]
