"""Quotes that are renewed, quotes that have ended, and jobs of which a missed turn is seen.

Revision ID: 0004
"""

from alembic import op

revision = "0004"
down_revision = "0003"

UPGRADE = """
ALTER TABLE orders ADD COLUMN requotes INTEGER DEFAULT '0' NOT NULL;

CREATE INDEX orders_that_may_lapse ON orders (expires_at)
    WHERE step IN ('place', 'confirm') AND expires_at IS NOT NULL;

DROP TRIGGER provider_ref_is_set_once ON orders;

CREATE TRIGGER provider_ref_is_set_once BEFORE UPDATE OF provider_ref ON orders
    FOR EACH ROW
    WHEN (OLD.provider_ref IS NOT NULL AND NEW.provider_ref IS DISTINCT FROM OLD.provider_ref
        AND NOT (NEW.provider_ref IS NULL AND NEW.requotes > OLD.requotes))
    EXECUTE FUNCTION provider_ref_is_set_once();

ALTER TABLE accounts
    ADD COLUMN clock_ahead DOUBLE PRECISION,
    ADD COLUMN clock_unsure DOUBLE PRECISION,
    ADD COLUMN clock_seen_at TIMESTAMP WITH TIME ZONE;

ALTER TABLE jobs
    ALTER COLUMN ran_at DROP NOT NULL,
    ALTER COLUMN ran_at DROP DEFAULT,
    ADD COLUMN every DOUBLE PRECISION,
    ADD COLUMN missed INTEGER DEFAULT '0' NOT NULL,
    ADD COLUMN missed_at TIMESTAMP WITH TIME ZONE;
"""

DOWNGRADE = """
DELETE FROM jobs WHERE ran_at IS NULL;

ALTER TABLE jobs
    DROP COLUMN every, DROP COLUMN missed, DROP COLUMN missed_at,
    ALTER COLUMN ran_at SET DEFAULT orderline_now(),
    ALTER COLUMN ran_at SET NOT NULL;

ALTER TABLE accounts
    DROP COLUMN clock_ahead, DROP COLUMN clock_unsure, DROP COLUMN clock_seen_at;

DROP TRIGGER provider_ref_is_set_once ON orders;

CREATE TRIGGER provider_ref_is_set_once BEFORE UPDATE OF provider_ref ON orders
    FOR EACH ROW
    WHEN (OLD.provider_ref IS NOT NULL AND NEW.provider_ref IS DISTINCT FROM OLD.provider_ref)
    EXECUTE FUNCTION provider_ref_is_set_once();

DROP INDEX orders_that_may_lapse;

ALTER TABLE orders DROP COLUMN requotes;
"""


def upgrade() -> None:
    """Add what is new; nothing there is changed."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Take it away again; that a quote was renewed stays in the orders' events only."""
    op.execute(DOWNGRADE)
