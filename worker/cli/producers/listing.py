"""``orderline producers list``."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from rich.text import Text

from schemas.orders import stamp
from worker.cli.output import NOTHING, Cell, Column, Json, print_json, print_table
from worker.cli.session import Session, opened
from worker.store import producers
from worker.store.open_orders import open_of
from worker.store.producers import Producer
from worker.store.views_story import shown_url
from worker.streams import stream_of

_COLUMNS: Final = (
    Column("producer", whole=True),
    Column("state"),
    Column("stream", whole=True),
    Column("notifications go to"),
    Column("or to hosts"),
    Column("open orders"),
    Column("secret since", whole=True),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A producer, and how many of its orders are open; ``most`` where it has no own limit."""

    producer: Producer
    open: int
    most: int

    @property
    def crowd(self) -> str:
        """How many are open, and how many may be."""
        return f"{self.open} of {self.producer.max_open or self.most}"


def list_producers(*, as_json: Json = False) -> None:
    """List the registered producers: where each is told, and how old its secrets are.

    Example: orderline producers list --json
    """
    found = asyncio.run(_every())
    if as_json:
        print_json([as_object(each) for each in found])
        return
    rows = [_row(each) for each in found]
    print_table(_COLUMNS, rows, "No producer is registered; `orderline producers add` does it.")


def as_object(shown: Shown) -> Mapping[str, Any]:
    """A producer for programs. ``max_open`` is its own limit of open orders, if it has one."""
    producer = shown.producer
    said = asdict(producer)
    said["notify_url"] = shown_url(producer.notify_url)
    return {
        "name": said.pop("name"),
        "stream": stream_of(producer.name),
        **said,
        "open": shown.open,
    }


def state_of(producer: Producer) -> Cell:
    """Whether anything is taken from it."""
    if producer.disabled_at is None:
        return "enabled"
    return Text(f"disabled {stamp(producer.disabled_at)}", style="yellow")


def secrets_in_words(producer: Producer) -> str:
    """Since when its live secrets sign, and until when the one before does."""
    current, *before = producer.secrets
    words = [f"{stamp(each.ends_at)} ends the one before" for each in before if each.ends_at]
    return ", ".join([stamp(current.created_at), *words])


def _row(shown: Shown) -> list[Cell]:
    producer = shown.producer
    return [
        producer.name,
        state_of(producer),
        stream_of(producer.name),
        shown_url(producer.notify_url),
        ", ".join(producer.notify_hosts) or NOTHING,
        shown.crowd,
        secrets_in_words(producer),
    ]


async def with_their_orders(session: Session, found: Sequence[Producer]) -> list[Shown]:
    """Producers, each with how many of its orders are open."""
    most = session.settings.open_per_producer
    counted = await open_of(session.db, [each.name for each in found])
    return [Shown(each, counted[each.name], most) for each in found]


async def _every() -> list[Shown]:
    async with opened() as session:
        return await with_their_orders(session, await producers.every(session.db))
