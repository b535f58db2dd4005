"""Who decides: the name that stands beside what a person decided."""

import getpass
import os
import socket
from typing import Annotated, Final

import typer

_LONGEST: Final = 100


def operator_name() -> str:
    """The system's user at this host, ``ada@mail-1``: who is at the keyboard, as far as we know."""
    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError):  # a user id without a name, as in some containers
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def _check_name(name: str) -> str:
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST:
        raise typer.BadParameter(f"a name is 1 to {_LONGEST} printable characters")
    return name.strip()


By = Annotated[
    str,
    typer.Option(
        "--by",
        metavar="NAME",
        default_factory=operator_name,
        show_default="your user at this host",
        callback=_check_name,
        help="Who decides, for the record.",
    ),
]
"""The option of every command by which a person decides something."""
