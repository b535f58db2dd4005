"""``docs/reference/imports.svg``: the rooms of ``worker`` on their floors, and who imports whom.

The floors are those that ``make check`` holds (import-linter's layers in ``pyproject.toml``); the
lines are what the code imports, without those that follow from others: where a room imports one
that imports a third, its own line to the third is left out.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

import grimp

from tests.docs.markdown import REFERENCE, ROOT

PICTURE: Final = REFERENCE / "imports.svg"

_ABOVE: Final = "tasks"
_BELOW: Final = "schemas"
_BOX: Final = (98, 26)
_GAP: Final = (14, 26)
_MARGIN: Final = 20
_MOST: Final = 8
"""Rooms beside each other; a wider floor is drawn in two rows."""
_SHIFT: Final = 96
"""By so much every other row stands aside, or all lines would run through the same boxes."""
_STYLE: Final = """
  .paper { fill: #ffffff }
  .room { fill: #eef4fb; stroke: #3b6ea5 }
  .whole { fill: #fff6dd; stroke: #b58900 }
  .imports { fill: none; stroke: #55606b; stroke-opacity: .45 }
  text { font: 12px ui-sans-serif, system-ui, "DejaVu Sans", sans-serif; fill: #1f2933;
         text-anchor: middle }
""".strip("\n")

Graph = Mapping[str, frozenset[str]]


def picture() -> str:
    """The picture as a file of its own."""
    wanted = [[_ABOVE], *floors(), [_BELOW]]
    rows = [row[at : at + _MOST] for row in wanted for at in range(0, len(row), _MOST)]
    widest = max(map(len, rows))
    across = 2 * _MARGIN + widest * (_BOX[0] + _GAP[0]) - _GAP[0]
    down = 2 * _MARGIN + len(rows) * (_BOX[1] + _GAP[1]) - _GAP[1]
    places = dict(_places(rows, across))
    size = f'width="{across}" height="{down}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {down}" {size}>',
            "<title>The rooms of worker, and who imports whom: always downward</title>",
            f"<style>\n{_STYLE}\n</style>",
            f'<rect class="paper" {size}/>',
            *_lines(reduced(imports(places)), places),
            *(_room(name, *place) for name, place in places.items()),
            "</svg>\n",
        ]
    )


def floors() -> list[list[str]]:
    """The rooms of ``worker``, floor by floor, the highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [layers] = [
        contract["layers"]
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract.get("containers") == ["worker"]
    ]
    return [[room.strip() for room in floor.split(":")] for floor in layers]


def imports(rooms: Mapping[str, object]) -> Graph:
    """Which rooms each room imports from."""
    graph = grimp.build_graph("tasks", "worker", "schemas", cache_dir=None)
    found: dict[str, set[str]] = {room: set() for room in rooms}
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            room, other = _room_of(module), _room_of(imported)
            if room != other and {room, other} <= found.keys():
                found[room].add(other)
    return {room: frozenset(others) for room, others in found.items()}


def reduced(graph: Graph) -> Graph:
    """The same without what follows: ``graph`` has no circle."""
    beyond: dict[str, frozenset[str]] = {}

    def reach(room: str) -> frozenset[str]:
        if room not in beyond:
            others = graph[room]
            beyond[room] = others.union(*(reach(other) for other in others))
        return beyond[room]

    return {
        room: frozenset(
            other for other in others if not any(other in reach(via) for via in others - {other})
        )
        for room, others in graph.items()
    }


def _room_of(module: str) -> str:
    top, _, rest = module.partition(".")
    return rest.partition(".")[0] if top == "worker" else top


def _places(
    rows: Sequence[Sequence[str]], across: int
) -> Iterator[tuple[str, tuple[float, float]]]:
    for floor, rooms in enumerate(rows):
        wide = len(rooms) * (_BOX[0] + _GAP[0]) - _GAP[0]
        aside = min(_SHIFT, (across - wide) / 2 - _MARGIN) * (floor % 3 - 1)
        for number, room in enumerate(rooms):
            left = (across - wide) / 2 + aside + number * (_BOX[0] + _GAP[0])
            yield room, (left + _BOX[0] / 2, _MARGIN + floor * (_BOX[1] + _GAP[1]) + _BOX[1] / 2)


def _lines(graph: Graph, places: Mapping[str, tuple[float, float]]) -> Iterator[str]:
    for room, others in sorted(graph.items()):
        for other in sorted(others):
            (ax, ay), (bx, by) = places[room], places[other]
            begins, ends = ay + _BOX[1] / 2, by - _BOX[1] / 2
            bend = (ends - begins) / 2
            yield (
                f'<path class="imports" d="M {ax:.0f} {begins:.0f} C {ax:.0f} {begins + bend:.0f}'
                f' {bx:.0f} {ends - bend:.0f} {bx:.0f} {ends:.0f}"/>'
            )


def _room(name: str, x: float, y: float) -> str:
    kind = "whole" if name in {_ABOVE, _BELOW} else "room"
    left, top = x - _BOX[0] / 2, y - _BOX[1] / 2
    return (
        f'<rect class="{kind}" x="{left:.0f}" y="{top:.0f}" width="{_BOX[0]}" height="{_BOX[1]}"'
        f' rx="4"/><text x="{x:.0f}" y="{y + 4:.0f}">{escape(name)}</text>'
    )
