"""A receiver that was written once goes on working: what it was told, it is told for ever."""

from pathlib import Path

import pytest

from tests.contract.shapes import HOME
from tests.contract.told import STORED, kept, told

NOW = told()


@pytest.mark.parametrize("path", sorted(HOME.glob("*.told.json")), ids=lambda path: path.stem)
def test_no_field_is_taken_away_or_becomes_something_else(path: Path) -> None:
    for name, fields in kept(path).items():
        for field, then in fields.items():
            now = NOW[name][field]
            assert now["kind"] == then["kind"], (name, field)
            assert now["always"] or not then["always"], (name, field, "is left out sometimes")


def test_every_field_is_stored() -> None:
    """``python -m tests.contract.told`` adds what is new."""
    assert kept(STORED) == NOW
