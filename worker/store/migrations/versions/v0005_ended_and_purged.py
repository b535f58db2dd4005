"""What has ended: personal data is erased, the order purged, and its tombstone kept.

Revision ID: 0005
"""

from alembic import op

revision = "0005"
down_revision = "0004"

UPGRADE = """
ALTER TABLE orders ADD COLUMN erased_at TIMESTAMP WITH TIME ZONE;

CREATE INDEX orders_ended ON orders (finished_at) WHERE finished_at IS NOT NULL;

CREATE INDEX orders_to_erase ON orders (finished_at)
    WHERE finished_at IS NOT NULL AND (erased_at IS NULL OR erased_at < updated_at);

ALTER TABLE quarantine
    ALTER COLUMN sealed_entry DROP NOT NULL,
    ADD CONSTRAINT what_is_open_says_something
        CHECK (sealed_entry IS NOT NULL OR closed_at IS NOT NULL);

CREATE INDEX quarantine_closed ON quarantine (closed_at) WHERE closed_at IS NOT NULL;

CREATE INDEX quarantine_to_erase ON quarantine (closed_at)
    WHERE closed_at IS NOT NULL AND sealed_entry IS NOT NULL;

CREATE TABLE tombstones (
    producer TEXT NOT NULL,
    intent_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    order_id UUID NOT NULL,
    state TEXT NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE NOT NULL,
    buried_at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    CONSTRAINT tombstones_pkey PRIMARY KEY (producer, intent_id),
    CONSTRAINT an_order_is_buried_once UNIQUE (order_id),
    CONSTRAINT only_what_ended_is_buried CHECK (state IN (
        'cancelled', 'expired', 'failed', 'fulfilled', 'partially_fulfilled', 'refused')),
    CONSTRAINT tombstones_producer_fkey FOREIGN KEY (producer) REFERENCES producers (name)
);

CREATE TABLE used_deliver_ids (
    producer TEXT NOT NULL,
    deliver_id TEXT NOT NULL,
    order_id UUID NOT NULL,
    CONSTRAINT used_deliver_ids_pkey PRIMARY KEY (producer, deliver_id),
    CONSTRAINT used_deliver_ids_order_id_fkey
        FOREIGN KEY (order_id) REFERENCES tombstones (order_id)
);
"""

DOWNGRADE = """
DROP TABLE used_deliver_ids;

DROP TABLE tombstones;

DROP INDEX quarantine_closed, quarantine_to_erase, orders_ended, orders_to_erase;

UPDATE quarantine SET sealed_entry = '' WHERE sealed_entry IS NULL;

ALTER TABLE quarantine
    DROP CONSTRAINT what_is_open_says_something,
    ALTER COLUMN sealed_entry SET NOT NULL;

ALTER TABLE orders DROP COLUMN erased_at;
"""


def upgrade() -> None:
    """Add what is new; nothing there is changed."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Take it away again; that an intent was accepted once and purged is forgotten with it."""
    op.execute(DOWNGRADE)
