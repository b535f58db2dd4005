"""What the peers share: their tables, and how they are looked at.

A peer keeps an order, its lines and its deliveries. What Orderline and the ceiling keep besides
(attempts, events) no peer has to write.
"""

from typing import Final

import redis

from tests.bench.ground import Ground
from tests.bench.systems.base import Recorded, two_counts

RESET: Final = (
    "DROP TABLE IF EXISTS orders, lines, deliveries, attempts, events",
    """CREATE TABLE orders (
        id UUID PRIMARY KEY, intent_id TEXT NOT NULL UNIQUE, intent JSONB NOT NULL,
        state TEXT NOT NULL, provider_ref TEXT, created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        updated_at TIMESTAMPTZ NOT NULL DEFAULT now())""",
    """CREATE TABLE lines (
        id UUID PRIMARY KEY, order_id UUID NOT NULL, index INT NOT NULL,
        deliver_id TEXT NOT NULL UNIQUE, state TEXT NOT NULL DEFAULT 'waiting')""",
    "CREATE INDEX lines_of_an_order ON lines (order_id)",
    """CREATE TABLE deliveries (
        id UUID PRIMARY KEY, line_id UUID NOT NULL, code INT NOT NULL,
        at TIMESTAMPTZ NOT NULL DEFAULT now())""",
)

_RECORDED: Final = """
SELECT (SELECT count(*) FROM orders WHERE state = 'placed'), (SELECT count(*) FROM deliveries)
"""


def recorded(ground: Ground) -> Recorded:
    """What the peers' database says is done."""
    return two_counts(ground.peers_url, _RECORDED)


def empty_queues(ground: Ground) -> None:
    """Forget everything in Redis."""
    with redis.Redis.from_url(ground.servers.redis_url) as client:
        client.flushall()
