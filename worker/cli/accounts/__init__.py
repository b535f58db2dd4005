"""``orderline accounts``, ``pause`` and ``resume``: provider accounts and their rests."""

from worker.cli.accounts.listing import accounts
from worker.cli.accounts.switch import pause, resume

__all__ = ["accounts", "pause", "resume"]
