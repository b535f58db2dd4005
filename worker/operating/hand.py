"""Who acts, by which way: whose name stands beside what is decided, and the record of it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from worker.store.deeds import Act, Deed
from worker.store.tables_operators import Via


@dataclass(frozen=True, slots=True)
class Hand:
    """A person at work."""

    by: str
    via: Via

    def deed(
        self,
        act: Act,
        *,
        order_id: UUID | None = None,
        about: str | None = None,
        why: str | None = None,
        **data: Any,
    ) -> Deed:
        """The record of something that this person does."""
        return Deed(
            act=act,
            by=self.by,
            via=self.via,
            order_id=order_id,
            about=about,
            why=why,
            data=data,
        )
