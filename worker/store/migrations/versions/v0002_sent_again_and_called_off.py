"""Requests that are sent again as they were, orders that are called off, what lines tell besides.

Revision ID: 0002
"""

from alembic import op

revision = "0002"
down_revision = "0001"

UPGRADE = """
ALTER TABLE orders
    ADD COLUMN cancel_asked_at TIMESTAMP WITH TIME ZONE,
    ADD CONSTRAINT an_unanswered_wish_is_due
        CHECK (cancel_asked_at IS NULL OR due_at IS NOT NULL),
    DROP CONSTRAINT step_is_known,
    ADD CONSTRAINT step_is_known CHECK (step IN (
        'cancel', 'confirm', 'place', 'poll', 'reconcile'));

CREATE INDEX orders_by_provider_ref ON orders (provider_ref) WHERE provider_ref IS NOT NULL;

ALTER TABLE lines ADD COLUMN details JSONB DEFAULT '{}' NOT NULL;

ALTER TABLE attempts
    ADD COLUMN sends INTEGER DEFAULT '1' NOT NULL,
    ADD COLUMN sent_at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    ADD COLUMN sealed_request BYTEA,
    ADD COLUMN commits BOOLEAN DEFAULT 'true' NOT NULL,
    DROP CONSTRAINT step_is_known,
    ADD CONSTRAINT step_is_known CHECK (step IN (
        'cancel', 'confirm', 'place', 'poll', 'reconcile'));

UPDATE attempts SET sent_at = opened_at;

ALTER TABLE tokens
    ADD COLUMN failures INTEGER DEFAULT '0' NOT NULL,
    ADD COLUMN rests_until TIMESTAMP WITH TIME ZONE;

ALTER TABLE quarantine ADD COLUMN kind TEXT DEFAULT 'intent' NOT NULL;
"""

DOWNGRADE = """
ALTER TABLE quarantine DROP COLUMN kind;

ALTER TABLE tokens DROP COLUMN failures, DROP COLUMN rests_until;

UPDATE orders o SET
    step = CASE WHEN o.state = 'placed' THEN 'poll' END,
    due_at = CASE WHEN o.state = 'placed' THEN orderline_now() END,
    cancel_asked_at = NULL
WHERE o.step = 'cancel' OR (o.step = 'reconcile' AND EXISTS (
    SELECT FROM attempts a
    WHERE a.order_id = o.id AND a.number = o.attempts AND a.step = 'cancel'));

UPDATE orders o SET attempts = coalesce(
    (SELECT max(number) FROM attempts a WHERE a.order_id = o.id AND a.step <> 'cancel'), 0)
WHERE EXISTS (SELECT FROM attempts a WHERE a.order_id = o.id AND a.step = 'cancel');

DELETE FROM attempts WHERE step = 'cancel';

ALTER TABLE attempts
    DROP COLUMN sends, DROP COLUMN sent_at, DROP COLUMN sealed_request, DROP COLUMN commits,
    DROP CONSTRAINT step_is_known,
    ADD CONSTRAINT step_is_known CHECK (step IN ('confirm', 'place', 'poll', 'reconcile'));

ALTER TABLE lines DROP COLUMN details;

DROP INDEX orders_by_provider_ref;

ALTER TABLE orders
    DROP COLUMN cancel_asked_at,
    DROP CONSTRAINT step_is_known,
    ADD CONSTRAINT step_is_known CHECK (step IN ('confirm', 'place', 'poll', 'reconcile'));
"""


def upgrade() -> None:
    """Add what is new; nothing there is changed."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Take it away again; wishes to call off that nobody answered are forgotten.

    Placed orders are asked after again, the others stay as they ended.
    """
    op.execute(DOWNGRADE)
