"""Which accounts rest, as this process last saw it, and which of its orders are probes.

What is known here spares questions; that no order of a resting account is claimed, the claim itself
sees to.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

AccountKey = tuple[str, str]
"""Provider and account name."""


@dataclass(frozen=True, slots=True)
class Rest:
    """An account that takes no orders now, but perhaps a probe."""

    may_probe: bool


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to probe an account: until when, by the database's clock; nobody else has it.

    ``openings`` is how often its breaker opened without having closed in between.
    """

    until: datetime
    openings: int


class Rests:
    """The rests of all accounts, looked at about once a second."""

    def __init__(self) -> None:
        self._resting: Mapping[AccountKey, Rest] = {}
        self._probes: dict[UUID, Lease] = {}
        self.troubled: Collection[AccountKey] = ()
        """Where calls failed of late, in whatever process."""

    def of(self, key: AccountKey) -> Rest | None:
        """How an account rests; ``None`` while it does not, as far as is known."""
        return self._resting.get(key)

    def saw(self, resting: Mapping[AccountKey, Rest]) -> set[AccountKey]:
        """What the rows say now; the accounts where that means something to do."""
        over = self._resting.keys() - resting.keys()
        self._resting = resting
        return over | {key for key, rest in resting.items() if rest.may_probe}

    def probes(self, order_id: UUID, lease: Lease) -> None:
        """An order was claimed as a probe."""
        self._probes[order_id] = lease

    def take_probe(self, order_id: UUID) -> Lease | None:
        """The lease of an order that is a probe, for whoever works on it."""
        return self._probes.pop(order_id, None)
