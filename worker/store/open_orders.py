"""How many orders of each producer are open: counted seldom, kept current in between.

Open is what somebody still has to look at (``due_at``): neither ended nor a person's to decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.store.intake import Known
from worker.store.session import Database

SELDOM: Final = timedelta(seconds=1)
"""A producer's orders are counted at most once in this time, per process."""
_AT_LEAST: Final = timedelta(seconds=10)
"""A count that is older is not believed, whatever was taken in since."""
_SHARE: Final = 8
"""Nor is one, once the orders taken in since fill one in so many of the places that were free."""

_COUNT: Final = text("""
SELECT p.name, coalesce(sum(c.open), 0)::int AS open
FROM unnest(CAST(:names AS text[])) AS p(name)
LEFT JOIN accounts a ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS open FROM orders o
    WHERE (o.provider, o.account, o.producer) = (a.provider, a.account, p.name)
        AND o.due_at IS NOT NULL
) c
GROUP BY p.name
""")
"""By account, so that the index of what is due leads to each producer's part of it."""


_LIMITS: Final = text("SELECT name, max_open FROM producers")


@dataclass(frozen=True, slots=True)
class Room:
    """How many orders of a producer are open, and how many may be."""

    open: int
    most: int

    @property
    def is_full(self) -> bool:
        """Whether no other order is taken in."""
        return self.open >= self.most

    def with_one_more(self) -> "Room":
        """After another order was taken in."""
        return Room(self.open + 1, self.most)


@dataclass(slots=True)
class _Counted:
    """A count, and what this process has taken in since."""

    at: datetime
    open: int
    since: int = 0

    def holds(self, now: datetime, most: int, wanted: int) -> bool:
        """Whether it still says enough for so many orders more."""
        age = abs(now - self.at)
        if age < SELDOM:
            return True
        close = self.open + self.since + wanted > most
        worn = self.since * _SHARE >= most - self.open
        return age < _AT_LEAST and not close and not worn


class OpenOrders:
    """What one process knows of that.

    It is exact about what this process takes in. Of what ends it hears at the next count, and
    equally of what other processes take in: between two counts each of them may take in as much as
    its own last count left room for, which is a second's intake close to the limit.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._counted: dict[str, _Counted] = {}

    async def look(
        self, connection: AsyncConnection, known: Known, wanted: Mapping[str, int]
    ) -> dict[str, Room]:
        """The room of each producer, by name, of whom so many orders are ``wanted``.

        Who is not registered has none. The time is the database's, at that look.
        """
        most = {
            name: each.max_open or self._most
            for name, each in known.producers.items()
            if name in wanted
        }
        unsure = [
            name
            for name, limit in most.items()
            if (counted := self._counted.get(name)) is None
            or not counted.holds(known.now, limit, wanted[name])
        ]
        if unsure:
            for name, count in (await counts(connection, unsure)).items():
                self._counted[name] = _Counted(known.now, count)
        return {
            name: Room(self._counted[name].open + self._counted[name].since, limit)
            for name, limit in most.items()
        }

    def took(self, taken: Mapping[str, int]) -> None:
        """So many orders of each producer were taken in: that was committed."""
        for name, count in taken.items():
            if (counted := self._counted.get(name)) is not None:
                counted.since += count

    def forget(self) -> None:
        """Count anew: nobody can tell what was committed."""
        self._counted.clear()


async def counts(connection: AsyncConnection, names: list[str]) -> dict[str, int]:
    """How many orders of each of these producers are open."""
    rows = await connection.execute(_COUNT, {"names": names})
    return {row.name: row.open for row in rows}


async def rooms_of(db: Database, names: list[str], most: int) -> dict[str, Room]:
    """The room of each of these producers; ``most`` is the limit of who has none of its own."""
    async with db.reading() as connection:
        limits = {row.name: row.max_open for row in await connection.execute(_LIMITS)}
        counted = await counts(connection, names)
    return {name: Room(count, limits.get(name) or most) for name, count in counted.items()}


async def open_of(db: Database, names: list[str]) -> dict[str, int]:
    """The same, in a transaction of its own."""
    async with db.reading() as connection:
        return await counts(connection, names)
