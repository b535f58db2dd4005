"""The ``orderline`` command: one module per command, registered here and nowhere else.

Commands read settings, call ``worker`` and print; they decide nothing. They may set an order due
now, but they ring no bell: the sweep does, within a second.
"""

from worker.cli.main import main, run

__all__ = ["main", "run"]
