"""Who decided is known: by name, or as whom the system knows."""

import getpass
import socket

import pytest
import typer
from typer.testing import CliRunner

from worker.cli.operator import By, operator_name

app = typer.Typer()


@app.command()
def decide(*, by: By) -> None:
    typer.echo(by)


def test_who_is_not_named_is_the_systems_user_at_this_host() -> None:
    assert operator_name() == f"{getpass.getuser()}@{socket.gethostname()}"
    assert CliRunner().invoke(app, []).output == f"{operator_name()}\n"


def test_a_user_without_a_name_is_told_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert operator_name().startswith("uid ")


def test_a_name_is_taken_as_it_is_given() -> None:
    assert CliRunner().invoke(app, ["--by", " Ada Lovelace "]).output == "Ada Lovelace\n"


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb", "a\x1b[2Jb", "\udcff"])
def test_what_is_no_name_is_refused(name: str) -> None:
    ran = CliRunner().invoke(app, ["--by", name])
    assert ran.exit_code == 2
    assert "1 to 100 printable characters" in " ".join(ran.output.split())
