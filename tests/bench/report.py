"""Tables for a person, JSON for a program, a plot for the README."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from os import cpu_count
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from tests.bench.compare import Findings
from tests.bench.figures import Drain, Steady, percentile
from tests.bench.targets import Key, Verdict, verdicts

_PACKAGES: Final = (
    *("celery", "kombu", "redis", "httpx", "aiohttp", "psycopg", "sqlalchemy", "sqlmodel"),
    *("gevent", "dbos", "taskiq", "taskiq-redis", "urllib3", "uvloop"),
)
_DISTURBED: Final = 0.25
"""Cores used by others, or stolen, above which a figure is marked."""


def line_of(found: Drain | Steady | str) -> str:
    """One figure, as it comes in."""
    if isinstance(found, str):
        return f"[bold]{found}[/bold]"
    if isinstance(found, Drain):
        said = (
            f"{found.rate:7.0f} orders/s   {found.orders} in {found.seconds:.1f} s, CPU"
            f" {found.cpu('workers'):.2f} + {found.cpu('postgres'):.2f}"
            f" + {found.cpu('redis'):.2f} s per 1,000, {found.usage.peak:.0f} MB"
        )
    else:
        said = (
            f"p50 {found.wait(0.5) * 1000:.1f} ms, p99 {found.wait(0.99) * 1000:.1f} ms"
            f" at {found.offered:.0f} orders/s"
            f"{'' if found.keeps_up else ', and falls behind'}"
        )
    machine = f"steal {found.usage.stolen:.2f}, others {found.usage.others:.2f}"
    faults = f"   [red]{'; '.join(found.faults)}[/red]" if found.faults else ""
    name = f"{found.system:18} L {found.latency * 1000:3.0f} ms"
    return f"  {name}  {said}   ({machine}){faults}"


def show(findings: Findings, console: Console) -> None:
    """Everything, in tables."""
    console.print(_drains(findings), _steady(findings.steady_by()))
    console.print(_verdicts(verdicts(findings.summaries(), findings.steady_by())))
    for failure in findings.failed:
        console.print(f"[red]{failure}[/red]")


def _drains(findings: Findings) -> Table:
    table = Table(title="A heap of orders (medians; CPU in seconds per 1,000 orders)")
    names = ("L ms", "system", "orders/s", "min-max", "rounds", "CPU workers", "Postgres", "Redis")
    for name in (*names, "peak MB", "largest MB", "steal", "others", "exact"):
        table.add_column(name, justify="left" if name == "system" else "right")
    ranked = sorted(findings.summaries().values(), key=lambda each: (each.latency, -each.rate))
    for each in ranked:
        disturbed = max(each.stolen, each.others) > _DISTURBED
        table.add_row(
            f"{each.latency * 1000:.0f}",
            each.system,
            f"{each.rate:.1f}",
            f"{each.slowest:.0f}-{each.fastest:.0f}",
            str(each.rounds),
            f"{each.workers_cpu:.2f}",
            f"{each.postgres_cpu:.2f}",
            f"{each.redis_cpu:.2f}",
            f"{each.peak:.0f}",
            f"{each.largest:.0f}",
            f"{each.stolen:.2f}",
            f"{each.others:.2f}{' !' if disturbed else ''}",
            "yes" if each.exact else "NO",
        )
    return table


def _steady(heaps: Mapping[Key, Sequence[Steady]]) -> Table:
    table = Table(title="A steady load (from being put to the order's last webhook, less L)")
    for name in ("L ms", "system", "offered/s", "p50 ms", "p99 ms", "CPU workers", "keeps up"):
        table.add_column(name, justify="left" if name == "system" else "right")
    for (name, latency), runs in sorted(heaps.items(), key=lambda each: each[0][1]):
        waits = [wait for run in runs for wait in run.waits]
        table.add_row(
            f"{latency * 1000:.0f}",
            name,
            f"{runs[0].offered:.0f}",
            f"{percentile(waits, 0.5) * 1000:.1f}",
            f"{percentile(waits, 0.99) * 1000:.1f}",
            f"{percentile([run.cpu('workers') for run in runs], 0.5):.2f}",
            "yes" if all(run.keeps_up for run in runs) else "no",
        )
    return table


def _verdicts(told: Sequence[Verdict]) -> Table:
    table = Table("target", "must reach", "measured", "", title="What must be reached")
    for each in told:
        mark = "[green]yes[/green]" if each.reached else "[red]no[/red]"
        table.add_row(each.what, each.wanted, each.found, mark)
    return table


def machine() -> dict[str, Any]:
    """Where, when and with what it was measured."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def as_json(findings: Findings) -> dict[str, Any]:
    """Every figure of every round, and the medians."""
    return {
        "machine": machine(),
        "summaries": [
            {**asdict(each), "all_cpu": each.all_cpu} for each in findings.summaries().values()
        ],
        "drains": [{**asdict(each), "rate": each.rate} for each in findings.drains],
        "steady": [
            {
                **{name: value for name, value in asdict(each).items() if name != "waits"},
                "p50": each.wait(0.5),
                "p99": each.wait(0.99),
            }
            for each in findings.steady
        ],
        "verdicts": [asdict(each) for each in verdicts(findings.summaries(), findings.steady_by())],
        "failed": findings.failed,
    }


def write(folder: Path, name: str, said: Mapping[str, Any]) -> Path:
    """Write figures as JSON into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
