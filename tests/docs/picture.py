"""A drawing of states and their moves, as SVG: made from the moves themselves.

Where each state stands is given; which arrows there are is not. Two that go both ways are one line
with two heads. The ends are not drawn: beside each state stands how it may end.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import hypot
from typing import Final

BOX: Final = (178, 46)
"""How wide and high a state is drawn, in pixels."""
GAP: Final = (228, 130)
"""From one place to the next, across and down."""
MARGIN: Final = 30

_STYLE: Final = """
  .paper { fill: #ffffff }
  .state { fill: #eef4fb; stroke: #3b6ea5; stroke-width: 1.5 }
  .doubt { fill: #fff6dd; stroke: #b58900 }
  .end { fill: #f3f3f3; stroke: #8a8a8a }
  .move { fill: none; stroke: #55606b; stroke-width: 1.5 }
  .head { fill: #55606b }
  text { font: 14px ui-sans-serif, system-ui, "DejaVu Sans", sans-serif; fill: #1f2933;
         text-anchor: middle }
  .ends { font-size: 11px; fill: #616e7c }
""".strip("\n")

_HEAD: Final = """
<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8"
  orient="auto-start-reverse"><path class="head" d="M 0 0 L 10 5 L 0 10 z"/></marker></defs>
""".strip()

Point = tuple[float, float]


@dataclass(frozen=True)
class Drawing:
    """What is drawn, and where: columns and rows, which may be broken numbers.

    ``bent`` are moves that would cross a state between them, with how far they swing out: to the
    left of their way, or to its right where that is negative. ``rows`` is how many are needed.
    """

    title: str
    moves: Mapping[str, frozenset[str]]
    places: Mapping[str, Point]
    doubtful: frozenset[str]
    bent: Mapping[tuple[str, str], float]
    ends: Sequence[str]
    rows: float


def svg(drawing: Drawing) -> str:
    """The drawing as a file of its own."""
    columns = max(column for column, _ in drawing.places.values())
    across = int(columns * GAP[0] + BOX[0] + 2 * MARGIN)
    down = int((drawing.rows - 1) * GAP[1] + BOX[1] + 2 * MARGIN)
    size = f'width="{across}" height="{down}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {down}" {size}>',
            f"<title>{escape(drawing.title)}</title>",
            f"<style>\n{_STYLE}\n</style>",
            _HEAD,
            f'<rect class="paper" {size}/>',
            *_moves(drawing),
            *(_state(drawing, name) for name in drawing.places),
            "</svg>\n",
        ]
    )


def drawn(drawing: Drawing) -> set[tuple[str, str]]:
    """The moves that have an arrow: all between states that have a place."""
    return {
        (name, to)
        for name, tos in drawing.moves.items()
        for to in tos
        if {name, to} <= {*drawing.places} and name != to
    }


def ends_of(drawing: Drawing, name: str) -> str:
    """How a state may end, in words: what is not drawn of its moves."""
    ends = [to for to in drawing.ends if to in drawing.moves[name]]
    if not ends:
        return ""
    return "or any end" if len(ends) == len(drawing.ends) else f"or {', '.join(ends)}"


def _moves(drawing: Drawing) -> Iterator[str]:
    arrows = drawn(drawing)
    for name, to in sorted(arrows):
        both = (to, name) in arrows
        if not both or name < to:
            swing = drawing.bent.get((name, to), -drawing.bent.get((to, name), 0.0))
            yield _arrow(_middle(drawing, name), _middle(drawing, to), swing, both=both)


def _arrow(a: Point, b: Point, swing: float, *, both: bool) -> str:
    """A line from box to box, bent by ``swing`` pixels to its left."""
    (ax, ay), (bx, by) = a, b
    long = hypot(bx - ax, by - ay)
    control = ((ax + bx) / 2 + swing * (by - ay) / long, (ay + by) / 2 - swing * (bx - ax) / long)
    begins, ends = _edge(a, control), _edge(b, control)
    heads = ' marker-end="url(#head)"' + (' marker-start="url(#head)"' if both else "")
    points = " ".join(f"{x:.0f} {y:.0f}" for x, y in (begins, control, ends))
    first, middle, last = (" ".join(points.split()[i : i + 2]) for i in (0, 2, 4))
    return f'<path class="move" d="M {first} Q {middle} {last}"{heads}/>'


def _edge(box: Point, towards: Point) -> Point:
    """Where the line from a box's middle leaves it, and a little beyond."""
    dx, dy = towards[0] - box[0], towards[1] - box[1]
    half = (BOX[0] / 2 + 3, BOX[1] / 2 + 3)
    scale = min(half[0] / abs(dx) if dx else 1e9, half[1] / abs(dy) if dy else 1e9)
    return box[0] + dx * scale, box[1] + dy * scale


def _state(drawing: Drawing, name: str) -> str:
    x, y = _middle(drawing, name)
    kind = "state doubt" if name in drawing.doubtful else "state"
    kind = kind if drawing.moves[name] else "state end"
    left, top = x - BOX[0] / 2, y - BOX[1] / 2
    again = " ↻" if name in drawing.moves[name] else ""
    ends = ends_of(drawing, name)
    lines = [f'<text x="{x:.0f}" y="{y + (-2 if ends else 5):.0f}">{escape(name + again)}</text>']
    if ends:
        lines.append(f'<text class="ends" x="{x:.0f}" y="{y + 15:.0f}">{escape(ends)}</text>')
    box = (
        f'<rect class="{kind}" x="{left:.0f}" y="{top:.0f}" width="{BOX[0]}" height="{BOX[1]}"'
        ' rx="8"/>'
    )
    return "\n".join([box, *lines])


def _middle(drawing: Drawing, name: str) -> Point:
    column, row = drawing.places[name]
    return MARGIN + BOX[0] / 2 + column * GAP[0], MARGIN + BOX[1] / 2 + row * GAP[1]
