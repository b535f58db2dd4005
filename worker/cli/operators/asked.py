"""What the commands about operators are told: a name, and a password that nobody sees."""

import sys
from typing import Annotated

import typer

from worker.operating.passwords import check_password, hash_of
from worker.operating.words import Unfit, read_operator


def _check(name: str) -> str:
    try:
        return read_operator(name)
    except Unfit as fault:
        raise typer.BadParameter(str(fault)) from None


Name = Annotated[
    str, typer.Argument(metavar="NAME", callback=_check, help="The name to sign in with.")
]


def ask_password() -> str:
    """What is kept of a password: asked for twice on a terminal, else standard input's first line.

    Never an argument, which everybody on the machine could read.
    """
    if sys.stdin.isatty():
        said = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        said = sys.stdin.readline().rstrip("\r\n")
    try:
        return hash_of(check_password(said))
    except Unfit as fault:
        raise typer.BadParameter(f"{fault}; it is read from standard input") from None
