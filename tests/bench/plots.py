"""Plots of what was measured, as SVG."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench.figures import Summary

_OURS: Final = "#b3541e"
_THEIRS: Final = "#8a94a6"
_CEILING: Final = "#3f6f5f"


def _pyplot() -> Any:
    import matplotlib as mpl  # noqa: PLC0415 -- only who plots needs it

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "orderline"
    mpl.rcParams["svg.fonttype"] = "none"  # text stays text: a tenth of the size
    mpl.rcParams["font.family"] = ["DejaVu Sans", "sans-serif"]
    mpl.rcParams["font.size"] = 9
    from matplotlib import pyplot as plt  # noqa: PLC0415 -- as above

    return plt


def _colour(system: str) -> str:
    if system.startswith("orderline"):
        return _OURS
    return _CEILING if system == "ceiling" else _THEIRS


def rates(summaries: Sequence[Summary], path: Path) -> None:
    """Orders a second, a bar a system and a field a latency, and the CPU of an order beside it."""
    pyplot = _pyplot()
    latencies = sorted({each.latency for each in summaries})
    figure, grid = pyplot.subplots(
        len(latencies), 2, figsize=(9, 0.9 + 2.9 * len(latencies)), squeeze=False
    )
    for (left, right), latency in zip(grid, latencies, strict=True):
        ranked = sorted((e for e in summaries if e.latency == latency), key=lambda each: each.rate)
        names = [each.system for each in ranked]
        colours = [_colour(name) for name in names]
        bars = left.barh(names, [each.rate for each in ranked], color=colours)
        left.bar_label(bars, fmt="%.0f", padding=2)
        left.set_title(f"orders/s, provider answers in {latency * 1000:.0f} ms", loc="left")
        bars = right.barh(names, [each.all_cpu for each in ranked], color=colours)
        right.bar_label(bars, fmt="%.1f", padding=2)
        right.set_yticklabels([])
        right.set_title("CPU s per 1,000 orders, servers' too", loc="left")
        for field in (left, right):
            field.margins(x=0.12)
            field.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def lines(
    fields: Sequence[tuple[str, str, str, Mapping[float, float]]], path: Path, *, logarithmic: str
) -> None:
    """A field a curve: title, what the axes say, and the points. ``logarithmic`` names x axes."""
    pyplot = _pyplot()
    figure, (axes,) = pyplot.subplots(
        1, len(fields), figsize=(3.2 * len(fields), 2.8), squeeze=False
    )
    for field, (title, across, up, points) in zip(axes, fields, strict=True):
        field.plot(list(points), list(points.values()), "o-", color=_OURS)
        field.set_title(title, loc="left")
        field.set_xlabel(across)
        field.set_ylabel(up)
        field.set_ylim(bottom=0)
        if across in logarithmic:
            field.set_xscale("log")
        field.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
