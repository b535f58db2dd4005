"""The tables in the documents, as the figures in ``docs/bench`` have them.

``python -m tests.bench.pages`` writes them between their marks (``<!-- bench: compare -->`` and
``<!-- /bench -->``); a test holds what is there against the figures. The prose is a person's.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench import beyond

ROOT: Final = Path(__file__).parents[2]
FIGURES: Final = ROOT / "docs" / "bench"
PAGES: Final = (ROOT / "README.md", ROOT / "ARCHITECTURE.md", FIGURES / "README.md")
_MARKED: Final = re.compile(r"(<!-- bench: (\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)
_LEAST_SHARE: Final = 0.01
_STATEMENTS: Final = 12
_SHORT: Final = {
    "orderline-2": "**Orderline**, two worker processes",
    "celery-prefork-16": "Celery as the tutorials have it, prefork 16",
    "celery-lean": "Celery as an expert would in a day",
    "taskiq-1": "taskiq, one process (two are slower here)",
    "dbos-2": "DBOS Transact, two processes",
    "ceiling": "the same writes in one process, without any queue",
}
_SHORT_LATENCY: Final = 0.005
_PARTS: Final = ("workers", "postgres", "redis")

Rows = Iterable[Sequence[str]]


def table(head: Sequence[str], rows: Rows) -> str:
    """A table in Markdown; what is in its first column stands left, the rest right."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def compare(figures: Mapping[str, Any]) -> str:
    head = ("L, system", "orders/s", "min to max", "CPU workers", "PostgreSQL", "Redis", "MB")
    ranked = sorted(figures["summaries"], key=lambda each: (each["latency"], -each["rate"]))
    return table(
        (*head, "exact"),
        (
            (
                f"{each['latency'] * 1000:.0f} ms, {each['system']}",
                f"{each['rate']:.0f}",
                f"{each['slowest']:.0f} to {each['fastest']:.0f}",
                f"{each['workers_cpu']:.2f}",
                f"{each['postgres_cpu']:.2f}",
                f"{each['redis_cpu']:.2f}",
                f"{each['largest']:.0f}",
                "yes" if each["exact"] else "no",
            )
            for each in ranked
        ),
    )


def short(figures: Mapping[str, Any]) -> str:
    """What a newcomer wants to see: one latency, the best of each kind."""
    found = {
        each["system"]: each for each in figures["summaries"] if each["latency"] == _SHORT_LATENCY
    }
    day = figures["machine"]["at"].partition("T")[0]
    head = (f"{day}, {figures['machine']['cores']} cores", "orders/s", "CPU s for 1,000 orders")
    return table(
        head,
        (
            (
                words,
                f"{found[name]['rate']:.0f}",
                f"{sum(found[name][f'{part}_cpu'] for part in _PARTS):.1f}",
            )
            for name, words in _SHORT.items()
        ),
    )


def verdicts(figures: Mapping[str, Any]) -> str:
    return table(
        ("what", "wanted", "measured", "reached"),
        (
            (each["what"], each["wanted"], each["found"], "yes" if each["reached"] else "**no**")
            for each in figures["verdicts"]
        ),
    )


def growth(figures: Mapping[str, Any]) -> str:
    parts = (
        ("rate_by_processes", "{:,.0f} worker processes", "{:.0f} orders/s"),
        ("rate_by_orders_there", "{:,.0f} orders in the database", "{:.0f} orders/s"),
        ("megabytes_by_orders_in_flight", "{:,.0f} orders in flight", "{:.0f} MB"),
    )
    return table(
        ("with", "one run"),
        (
            (across.format(float(place)), up.format(value))
            for name, across, up in parts
            for place, value in figures[name].items()
        ),
    )


def asked(figures: Mapping[str, Any]) -> str:
    found, heap = figures["asked_by_1000_orders"], figures["costs"]["heap"]
    texts = list(found["statements_by_text"].items())[:_STATEMENTS]
    return table(
        ("asked of the servers", "for 1,000 orders"),
        (
            ("commits", f"{heap['commits']:.0f}"),
            ("statements", f"{found['statements']:.0f}"),
            ("Redis commands", f"{heap['redis_commands']:.0f}"),
            ("write-ahead log", f"{heap['log_bytes'] / 1e6:.1f} MB"),
            *((f"`{text}`", f"{count:.1f}") for text, count in texts),
        ),
    )


def profile(figures: Mapping[str, Any]) -> str:
    drained, steady = figures["drain"], figures["steady"]
    layers = [name for name, share in drained["by_layer"].items() if share >= _LEAST_SHARE]
    return table(
        ("step", "a heap: share", "ms an order", "50 orders/s: ms an order"),
        (
            (
                name,
                f"{drained['by_layer'][name]:.0%}",
                f"{drained['by_layer'][name] * drained['workers']:.2f}",
                f"{steady['by_layer'].get(name, 0.0) * steady['workers']:.2f}",
            )
            for name in layers
        ),
    )


def many(figures: Mapping[str, Any]) -> str:
    return table(beyond.HEAD, beyond.told(beyond.every(beyond.costs_of(figures))))


_TABLES: Final = {
    "short": ("compare", short),
    "compare": ("compare", compare),
    "targets": ("compare", verdicts),
    "growth": ("growth", growth),
    "asked": ("growth", asked),
    "profile": ("profile", profile),
    "beyond": ("growth", many),
}


def rendered(page: Path) -> str:
    """A page with its tables as the figures have them."""

    def anew(found: re.Match[str]) -> str:
        name, render = _TABLES[found[2]]
        figures = json.loads((FIGURES / f"{name}.json").read_text(encoding="utf-8"))
        return f"{found[1]}{render(figures)}{found[3]}"

    return _MARKED.sub(anew, page.read_text(encoding="utf-8"))


def main() -> int:
    """Write all tables anew."""
    for page in PAGES:
        page.write_text(rendered(page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
