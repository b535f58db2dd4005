"""Queries of the dashboards, and which metrics a query is about."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

GRAFANA: Final = Path(__file__).parents[2] / "deploy" / "grafana"
DASHBOARDS: Final = sorted((GRAFANA / "dashboards").glob("*.json"))

FILLED_IN: Final[Mapping[str, str]] = {
    "$__rate_interval": "30s",
    "$__interval": "5s",
    "$__range": "5m",
    "$provider": ".*",
    "$account": ".*",
}
"""What Grafana puts in the place of its variables, or something like it."""

_PART: Final = re.compile(r"_(bucket|sum|count)$")


@dataclass(frozen=True)
class Query:
    """One query of one panel."""

    dashboard: str
    panel: str
    said: str

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.panel}"

    @property
    def filled_in(self) -> str:
        """As Grafana would ask it."""
        asked = self.said
        for variable, value in FILLED_IN.items():
            asked = asked.replace(variable, value)
        return asked


def metrics_in(text: str) -> set[str]:
    """The metrics that are asked for; of a histogram's parts, the histogram."""
    found = set(re.findall(r"\b((?:orderline|process)_[a-z_]+)\b", text))
    return {_PART.sub("", name) for name in found}


def document(path: Path) -> dict[str, Any]:
    """A dashboard."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Its panels that show something; a row shows nothing."""
    yield from (panel for panel in board["panels"] if panel["type"] != "row")


def queries() -> list[Query]:
    """Every query of every dashboard."""
    return [
        Query(path.stem, panel["title"], target["expr"])
        for path in DASHBOARDS
        for panel in panels(document(path))
        for target in panel["targets"]
    ]
