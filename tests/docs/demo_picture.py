"""Takes the pictures of ``make demo`` that the README shows: what a terminal really showed.

``make pictures`` plays the demonstration in a terminal of its own and writes
``docs/demo/*.svg``: the live table with the most under way, and the end.
"""

import io
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path
from typing import Final

import pyte
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

_COLUMNS: Final = 116
_LINES: Final = 40
_PICTURES: Final = Path(__file__).parents[2] / "docs" / "demo"
_COUNTS: Final = re.compile(r"(\d+) at rest, (\d+) under way")
_FONTS: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Rich's pictures fetch a font from the network; ours take the reader's."""
_NAMES: Final = {"brown": "yellow", "default": "default"}
"""Colours by whose names pyte and rich do not agree."""


def main() -> None:
    """Play, and keep two moments of it."""
    screen = pyte.Screen(_COLUMNS, _LINES)
    stream = pyte.ByteStream(screen)
    busiest, running = -1, Text()
    for output in _played([sys.executable, "-m", "worker.cli", "demo"]):
        stream.feed(output)
        counts = _COUNTS.search("\n".join(screen.display))
        # As many at rest as under way: both kinds of row are in the picture.
        if counts and (seen := min(map(int, counts.groups()))) > busiest:
            busiest, running = seen, _shown(screen)
    _PICTURES.mkdir(exist_ok=True)
    for name, picture in (("running", running), ("verdict", _shown(screen))):
        (_PICTURES / f"{name}.svg").write_text(_drawn(picture, f"make demo: {name}"))


def _played(command: list[str]) -> Iterator[bytes]:
    """What a command writes to its terminal, as it comes."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": str(_COLUMNS), "LINES": str(_LINES)}
        os.execv(command[0], command)  # noqa: S606 -- our own command
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, _COLUMNS, 0, 0))
    while True:
        try:
            output = os.read(terminal, 1 << 16)
        except OSError:  # how Linux says that nobody writes any more
            output = b""
        if not output:
            break
        yield output
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise SystemExit("the demonstration failed: no pictures were taken")


def _shown(screen: pyte.Screen) -> Text:
    """The screen as it stands."""
    text = Text()
    for line in range(screen.lines):
        for column in range(screen.columns):
            cell = screen.buffer[line][column]
            colour = Color.parse(_named(cell.fg))
            text.append(cell.data, Style(color=colour, bold=cell.bold))
        text.append("\n")
    text.rstrip()
    return text


def _named(colour: str) -> str:
    if re.fullmatch(r"[0-9a-f]{6}", colour):
        return f"#{colour}"
    return _NAMES.get(colour, colour.replace("bright", "bright_"))


def _drawn(text: Text, title: str) -> str:
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(text, no_wrap=True, overflow="crop")
    return _FONTS.sub("", console.export_svg(title=title, unique_id="demo"))


if __name__ == "__main__":
    main()
