"""A day's totals as CSV (RFC 4180): one header that stays as it is, money as decimal text."""

import csv
import io
from typing import Final

import typer

from schemas.books import DayReport
from worker.store.views_report import ENDS

HEADER: Final = (
    "day",
    "provider",
    "account",
    "currency",
    "accepted",
    *map(str, ENDS),
    "bought",
    "charged",
    "of_unknown_total",
    "ended_after_buying",
    "to_refund",
)
"""The columns. New ones may come at the end; what is there stays where it is."""


def print_csv(report: DayReport) -> None:
    """Print the totals, a row for each account and currency."""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(HEADER)
    for each in report.totals:
        rows.writerow(
            (
                report.day.isoformat(),
                each.provider,
                each.account,
                each.currency,
                each.accepted,
                *(each.ended[end] for end in ENDS),
                each.bought,
                each.charged,
                each.of_unknown_total,
                each.ended_after_buying,
                each.to_refund,
            )
        )
    typer.echo(written.getvalue(), nl=False)
