"""The plain statements of the lean peers: one a step, with the writes of an order in it."""

from typing import Any, Final
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

RECORD: Final = """
WITH fresh AS (
    INSERT INTO orders (id, intent_id, intent, state)
    VALUES (%(id)s, %(intent_id)s, %(intent)s, 'placing')
    ON CONFLICT (intent_id) DO NOTHING RETURNING id
)
INSERT INTO lines (id, order_id, index, deliver_id)
SELECT l.id, fresh.id, l.place - 1, l.deliver_id
FROM fresh, unnest(%(line_ids)s::uuid[], %(deliver_ids)s::text[])
    WITH ORDINALITY AS l(id, deliver_id, place)
"""

SETTLE: Final = """
WITH told AS (UPDATE lines SET state = 'delivered' WHERE order_id = %(id)s)
UPDATE orders SET state = 'placed', provider_ref = %(ref)s, updated_at = now() WHERE id = %(id)s
"""

DELIVER: Final = """
INSERT INTO deliveries (id, line_id, code)
SELECT gen_random_uuid(), line_id, 200 FROM unnest(%(line_ids)s::uuid[]) AS _(line_id)
"""
"""All webhooks of an order in one commit: cheaper than one each, for whoever cares to."""


def new_ids(intent: dict[str, Any]) -> tuple[UUID, list[UUID]]:
    """Ids for an order and its lines."""
    return uuid4(), [uuid4() for _ in intent["lines"]]


def record_values(intent: dict[str, Any], order_id: UUID, line_ids: list[UUID]) -> dict[str, Any]:
    """What ``RECORD`` takes."""
    return {
        "id": order_id,
        "intent_id": intent["intent_id"],
        "intent": Jsonb(intent),
        "line_ids": line_ids,
        "deliver_ids": [line["deliver_id"] for line in intent["lines"]],
    }
