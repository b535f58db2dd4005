"""The options by which the commands choose notifications."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from schemas.notifications import EventType
from worker.cli.named import find_order
from worker.cli.options import read_since
from worker.store.session import Database
from worker.store.tables_told import NotificationState
from worker.store.views_notifications import Sought

Ids = Annotated[
    list[str] | None,
    typer.Option(
        "--id", metavar="ID", help="Its webhook-id, or the beginning of it; several may be named."
    ),
]
OfOrder = Annotated[
    str | None,
    typer.Option("--order", metavar="ORDER", help="Of this order, named as `show` takes it."),
]
Producer = Annotated[str | None, typer.Option(help="Only of this producer.")]
Endpoint = Annotated[
    str | None, typer.Option(metavar="URL", help="Only those that go to this URL, whatever query.")
]
State = Annotated[NotificationState | None, typer.Option(help="Only in this state.")]
Kind = Annotated[EventType | None, typer.Option("--type", help="Only events of this type.")]
Since = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="Only what happened since: 2h, 7d, 2026-11-22T10:00:00Z."),
]
Until = Annotated[str | None, typer.Option(metavar="WHEN", help="Only what happened until then.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """How notifications are chosen."""

    ids: Sequence[str] | None = None
    order: str | None = None
    producer: str | None = None
    endpoint: str | None = None
    state: NotificationState | None = None
    kind: EventType | None = None
    since: str | None = None
    until: str | None = None

    @property
    def given(self) -> bool:
        """Whether any of them was."""
        named = (self.ids, self.order, self.producer, self.endpoint)
        return any((*named, self.state, self.kind, self.since, self.until))

    async def sought(self, db: Database) -> Sought:
        """The notifications that fit. Raises ``NotFound`` and ``Ambiguous`` for the order."""
        order = None if self.order is None else await find_order(db, self.order)
        return Sought(
            ids=self.ids or (),
            order_id=None if order is None else order.order_id,
            producer=self.producer,
            endpoint=self.endpoint,
            state=None if self.state is None else self.state.value,
            type=None if self.kind is None else self.kind.value,
            since=None if self.since is None else read_since(self.since),
            until=None if self.until is None else read_since(self.until),
        )
