"""What people decide: surplus orders, quarantine that is closed; when jobs ran, and callbacks.

Revision ID: 0003
"""

from alembic import op

revision = "0003"
down_revision = "0002"

UPGRADE = """
ALTER TABLE orders ADD COLUMN heard_at TIMESTAMP WITH TIME ZONE;

CREATE INDEX orders_parked ON orders (updated_at) WHERE state = 'parked';

CREATE TABLE surplus_orders (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    provider_ref TEXT,
    reason TEXT NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT,
    decision TEXT,
    why TEXT,
    CONSTRAINT surplus_orders_pkey PRIMARY KEY (id),
    CONSTRAINT decision_is_known CHECK (decision IN ('adopted', 'kept', 'returned')),
    CONSTRAINT closed_by_a_decision CHECK (
        (closed_at IS NULL) = (decision IS NULL) AND (closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT surplus_orders_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (id)
);

CREATE UNIQUE INDEX a_surplus_order_is_found_once
    ON surplus_orders (order_id, coalesce(provider_ref, ''));

ALTER TABLE quarantine
    ADD COLUMN closed_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN closed_by TEXT,
    ADD COLUMN decision TEXT,
    ADD COLUMN why TEXT,
    ADD COLUMN sealed_mended BYTEA,
    ADD CONSTRAINT decision_is_known CHECK (decision IN ('dropped', 'replayed')),
    ADD CONSTRAINT closed_by_a_decision CHECK (
        (closed_at IS NULL) = (decision IS NULL) AND (closed_at IS NULL) = (closed_by IS NULL));

CREATE TABLE jobs (
    name TEXT NOT NULL,
    ran_at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    CONSTRAINT jobs_pkey PRIMARY KEY (name)
);
"""

DOWNGRADE = """
DROP TABLE jobs;

ALTER TABLE quarantine
    DROP COLUMN closed_at, DROP COLUMN closed_by, DROP COLUMN decision, DROP COLUMN why,
    DROP COLUMN sealed_mended;

DROP TABLE surplus_orders;

DROP INDEX orders_parked;

ALTER TABLE orders DROP COLUMN heard_at;
"""


def upgrade() -> None:
    """Add what is new; nothing there is changed."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Take it away again; what people decided stays in the orders' events only."""
    op.execute(DOWNGRADE)
