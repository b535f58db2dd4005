"""``python -m tests.bench``: see ``--help``."""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.bench import beyond, plots, report
from tests.bench.compare import Findings, Plan, compare
from tests.bench.ground import laid
from tests.bench.systems import NAMES, QUICK, system_class

FIGURES: Final = Path("docs/bench")
_TEACHES: Final = """\
Measure Orderline beside other systems: one job, one machine, one run.

The job: an intent of about 1 KB with one to three lines is recorded; one POST goes to a provider
that answers after L; its result is recorded; one signed webhook goes out for each line, and is
recorded. PostgreSQL, Redis and the one fast process that plays provider and producer are started
for the run, on loopback; that process keeps books, by which every round is checked: each order
called once, each line told once, all of it recorded.

what to measure:
  compare   (default) rounds of all systems, interleaved; tables, JSON and a plot
  quick     a few of them, once, in two minutes
  growth    Orderline: worker processes, rows in the database, orders in flight, what the
            servers are asked
  profile   Orderline: where its CPU goes, by layer (needs the right to trace processes)
  beyond    Orderline: what many workers would come to, simulated from what growth wrote down

examples:
  make bench ARGS="--systems orderline-2,celery-lean --rounds 5 --latency 5"
  make bench ARGS="growth --json /tmp/figures"
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says."""
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have made us deaf to it
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    if asked.what == "beyond":
        return _beyond(asked, console)
    if asked.what in {"growth", "profile"}:
        return _one_of_ours(asked, console)
    return _compare(asked, console)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=_TEACHES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = ("compare", "quick", "growth", "profile", "beyond")
    parser.add_argument("what", nargs="?", choices=kinds, default="compare")
    parser.add_argument(
        "--systems",
        metavar="A,B",
        help=f"which, of: {', '.join(NAMES)} (default: all; quick: {', '.join(QUICK)})",
    )
    parser.add_argument("--rounds", type=int, help="how often each is measured (3; quick: 1)")
    parser.add_argument("--latency", metavar="MS", help="L in milliseconds (5,200; quick: 5)")
    parser.add_argument("--seconds", type=float, help="how long a drain should take (12; quick: 6)")
    parser.add_argument("--rate", type=float, default=50.0, help="orders/s of the steady load (50)")
    parser.add_argument(
        "--steady", type=float, help="seconds of the steady load, 0 for none (12; quick: 5)"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FOLDER", help="where JSON and plots go (docs/bench)"
    )
    parser.add_argument(
        "--logs", type=Path, metavar="FOLDER", help="where the systems' logs go (a temporary one)"
    )
    return parser


def _compare(asked: argparse.Namespace, console: Console) -> int:
    quick = asked.what == "quick"
    names = asked.systems.split(",") if asked.systems else QUICK if quick else NAMES
    if unknown := [name for name in names if name not in NAMES]:
        console.print(f"[red]No such system: {', '.join(unknown)}[/red] (see --help)")
        return 2
    plan = Plan(
        systems=names,
        rounds=asked.rounds or (1 if quick else 3),
        latencies=[float(each) / 1000 for each in _latencies(asked, quick=quick)],
        seconds=asked.seconds or (6.0 if quick else 12.0),
        steady_rate=asked.rate,
        steady_seconds=(5.0 if quick else 12.0) if asked.steady is None else asked.steady,
    )
    for name in names:
        console.print(f"  {name:18} {system_class(name).says}")
    with laid(_logs(asked), console.print) as ground:
        findings = compare(ground, plan, lambda found: console.print(report.line_of(found)))
    report.show(findings, console)
    _keep(asked, findings, console, quick=quick)
    return 1 if findings.failed or any(each.faults for each in findings.drains) else 0


def _latencies(asked: argparse.Namespace, *, quick: bool) -> list[str]:
    said: str = asked.latency or ("5" if quick else "5,200")
    return said.split(",")


def _keep(asked: argparse.Namespace, findings: Findings, console: Console, *, quick: bool) -> None:
    if quick and asked.json is None:
        return
    folder = asked.json or FIGURES
    written = report.write(folder, "compare", report.as_json(findings))
    plots.rates(list(findings.summaries().values()), folder / "compare.svg")
    console.print(f"Written: {written} and {folder / 'compare.svg'}")


def _one_of_ours(asked: argparse.Namespace, console: Console) -> int:
    from tests.bench import growth, profile  # noqa: PLC0415 -- only who asks for them needs them

    folder = asked.json or FIGURES
    with laid(_logs(asked), console.print) as ground:
        measure = growth.measure if asked.what == "growth" else profile.measure
        said = measure(ground, console, seconds=asked.seconds or 10.0, folder=folder)
    console.print(f"Written: {report.write(folder, asked.what, said)}")
    return 0


def _beyond(asked: argparse.Namespace, console: Console) -> int:
    measured = (asked.json or FIGURES) / "growth.json"
    if not measured.exists():
        console.print(f"[red]There is no {measured}[/red]: make bench ARGS=growth writes it")
        return 2
    costs = beyond.costs_of(json.loads(measured.read_text(encoding="utf-8")))
    table = Table(*beyond.HEAD, title="Beyond one machine, simulated")
    for row in beyond.told(beyond.every(costs)):
        table.add_row(*row)
    console.print(costs, table)
    return 0


def _logs(asked: argparse.Namespace) -> Path:
    return asked.logs or Path(tempfile.mkdtemp(prefix="orderline-bench-"))


if __name__ == "__main__":
    sys.exit(main())
