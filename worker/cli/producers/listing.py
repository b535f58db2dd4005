"""``orderline producers list``."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from rich.text import Text

from schemas.orders import stamp
from worker.cli.output import NOTHING, Cell, Column, Json, print_json, print_table
from worker.cli.session import opened
from worker.store import producers
from worker.store.producers import Producer
from worker.store.views_story import shown_url
from worker.streams import stream_of

_COLUMNS: Final = (
    Column("producer", whole=True),
    Column("state"),
    Column("stream", whole=True),
    Column("notifications go to"),
    Column("or to hosts"),
    Column("secret since", whole=True),
)


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


def as_object(producer: Producer) -> Mapping[str, Any]:
    """A producer for programs."""
    said = asdict(producer)
    said["notify_url"] = shown_url(producer.notify_url)
    return {"name": said.pop("name"), "stream": stream_of(producer.name), **said}


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


def _row(producer: Producer) -> list[Cell]:
    return [
        producer.name,
        state_of(producer),
        stream_of(producer.name),
        shown_url(producer.notify_url),
        ", ".join(producer.notify_hosts) or NOTHING,
        secrets_in_words(producer),
    ]


async def _every() -> list[Producer]:
    async with opened() as session:
        return await producers.every(session.db)
