"""The app of idiomatic Celery: ``celery -A tests.bench.systems.celery_plain_app worker``."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import httpx
from celery import Celery
from sqlalchemy import Column, Engine
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, SQLModel, create_engine, select

from tests.bench import job

app = Celery("bench", broker=os.environ["BENCH_REDIS_URL"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    # Green threads acknowledge all at once; kombu's own limit would lose some of that.
    broker_transport_options={"max_connections": 1000},
)

_SLOTS = int(sys.argv[sys.argv.index("--concurrency") + 1]) if "--concurrency" in sys.argv else 1
_PROCESS_SLOTS = 1 if "prefork" in sys.argv else min(_SLOTS, 100)


class Order(SQLModel, table=True):
    """An order."""

    __tablename__ = "orders"
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    intent_id: str = Field(unique=True)
    intent: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    state: str
    provider_ref: str | None = None
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime = Field(default_factory=lambda: datetime.now(UTC))


class Line(SQLModel, table=True):
    """A line of one."""

    __tablename__ = "lines"
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    order_id: UUID
    index: int
    deliver_id: str = Field(unique=True)
    state: str = "waiting"


class Delivery(SQLModel, table=True):
    """A webhook that was answered."""

    __tablename__ = "deliveries"
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    line_id: UUID
    code: int
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))


@cache
def _engine() -> Engine:
    url = os.environ["BENCH_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
    return create_engine(url, pool_size=_PROCESS_SLOTS, max_overflow=0, pool_timeout=120)


@cache
def _client() -> httpx.Client:
    limits = httpx.Limits(max_connections=_SLOTS, max_keepalive_connections=_SLOTS)
    return httpx.Client(timeout=30, limits=limits)


@contextmanager
def _session() -> Iterator[Session]:
    with Session(_engine()) as session:
        yield session
        session.commit()


@app.task(name="bench.place", bind=True, max_retries=5)
def place(self: Any, intent: dict[str, Any]) -> None:
    """Do one order from its intent to its last webhook."""
    order_id = _record(intent)
    try:
        provider_ref = _call(intent, order_id)
    except httpx.HTTPError as error:
        raise self.retry(exc=error, countdown=1) from error
    for line_id, index in _settle(order_id, provider_ref):
        _tell(intent, order_id, provider_ref, line_id, index)


def _record(intent: dict[str, Any]) -> UUID:
    """The order, found or made: the task may have been started before."""
    with _session() as session:
        known = session.exec(select(Order).where(Order.intent_id == intent["intent_id"])).first()
        if known is not None:
            return known.id
        order = Order(intent_id=intent["intent_id"], intent=intent, state="placing")
        session.add(order)
        for index, line in enumerate(intent["lines"]):
            session.add(Line(order_id=order.id, index=index, deliver_id=line["deliver_id"]))
        return order.id


def _call(intent: dict[str, Any], order_id: UUID) -> str:
    response = _client().post(
        os.environ["BENCH_PROVIDER_URL"],
        content=job.provider_body(intent, order_id.hex),
        headers=job.provider_headers(),
    )
    response.raise_for_status()
    provider_ref: str = response.json()["id"]
    return provider_ref


def _settle(order_id: UUID, provider_ref: str) -> list[tuple[UUID, int]]:
    """The result, written down; the lines to tell of."""
    with _session() as session:
        order = session.get_one(Order, order_id)
        order.state, order.provider_ref = "placed", provider_ref
        order.updated_at = datetime.now(UTC)
        lines = session.exec(select(Line).where(Line.order_id == order_id)).all()
        for line in lines:
            line.state = "delivered"
        return [(line.id, line.index) for line in lines]


def _tell(
    intent: dict[str, Any], order_id: UUID, provider_ref: str, line_id: UUID, index: int
) -> None:
    body = job.webhook_body(intent, index, order_id.hex, provider_ref)
    response = _client().post(
        os.environ["BENCH_HOOK_URL"], content=body, headers=job.signed(f"evt_{line_id.hex}", body)
    )
    response.raise_for_status()
    with _session() as session:
        session.add(Delivery(line_id=line_id, code=response.status_code))
