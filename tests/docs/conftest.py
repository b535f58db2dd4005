"""What the pages' commands run in: the command in this process, with real servers behind it."""

from tests.cli.conftest import orderline, settings, vault, world

__all__ = ["orderline", "settings", "vault", "world"]
