"""Orders in queues of producers and priorities, accounts that rest, calls counted.

Revision ID: 0008
"""

from alembic import op

revision = "0008"
down_revision = "0007"

UPGRADE = """
ALTER TABLE orders
    ADD COLUMN priority SMALLINT DEFAULT '1' NOT NULL,
    ADD CONSTRAINT a_priority_is_known CHECK (priority IN (0, 1, 2));

DROP INDEX orders_due;

CREATE INDEX orders_due ON orders (provider, account, producer, priority, due_at)
    WHERE due_at IS NOT NULL;

ALTER TABLE producers
    ADD COLUMN max_open INTEGER,
    ADD CONSTRAINT a_limit_lets_something_in CHECK (max_open > 0);

ALTER TABLE accounts
    ADD COLUMN opened_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN opened_because TEXT,
    ADD COLUMN openings INTEGER DEFAULT '0' NOT NULL,
    ADD COLUMN probe_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN probing_until TIMESTAMP WITH TIME ZONE,
    ADD COLUMN probes INTEGER DEFAULT '0' NOT NULL,
    ADD COLUMN paused_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN paused_until TIMESTAMP WITH TIME ZONE,
    ADD COLUMN paused_by TEXT,
    ADD COLUMN paused_because TEXT,
    ADD CONSTRAINT an_open_breaker_is_probed CHECK (
        (opened_at IS NULL) = (probe_at IS NULL)
        AND (opened_at IS NULL) = (opened_because IS NULL)
        AND (opened_at IS NOT NULL OR probing_until IS NULL)),
    ADD CONSTRAINT a_pause_is_somebodys CHECK (
        (paused_at IS NULL) = (paused_by IS NULL)
        AND (paused_at IS NOT NULL OR paused_until IS NULL));

CREATE TABLE account_calls (
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    made INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    CONSTRAINT account_calls_pkey PRIMARY KEY (provider, account, at),
    CONSTRAINT no_more_failed_than_were_made CHECK (failed BETWEEN 0 AND made),
    CONSTRAINT account_calls_provider_account_fkey
        FOREIGN KEY (provider, account) REFERENCES accounts (provider, account)
);

ALTER TABLE events
    ADD COLUMN provider TEXT,
    ADD COLUMN account TEXT,
    DROP CONSTRAINT an_event_is_about_one_thing,
    ADD CONSTRAINT an_event_is_about_one_thing
        CHECK (num_nonnulls(order_id, quarantine_id, endpoint, account) = 1),
    ADD CONSTRAINT an_account_is_a_providers CHECK ((provider IS NULL) = (account IS NULL)),
    ADD CONSTRAINT events_provider_account_fkey
        FOREIGN KEY (provider, account) REFERENCES accounts (provider, account);

CREATE INDEX events_of_accounts ON events (provider, account, at) WHERE account IS NOT NULL;
"""

DOWNGRADE = """
DROP INDEX events_of_accounts;

DELETE FROM events WHERE account IS NOT NULL;

ALTER TABLE events
    DROP CONSTRAINT events_provider_account_fkey,
    DROP CONSTRAINT an_account_is_a_providers,
    DROP CONSTRAINT an_event_is_about_one_thing,
    ADD CONSTRAINT an_event_is_about_one_thing
        CHECK (num_nonnulls(order_id, quarantine_id, endpoint) = 1),
    DROP COLUMN account,
    DROP COLUMN provider;

DROP TABLE account_calls;

ALTER TABLE accounts
    DROP CONSTRAINT an_open_breaker_is_probed,
    DROP CONSTRAINT a_pause_is_somebodys,
    DROP COLUMN opened_at,
    DROP COLUMN opened_because,
    DROP COLUMN openings,
    DROP COLUMN probe_at,
    DROP COLUMN probing_until,
    DROP COLUMN probes,
    DROP COLUMN paused_at,
    DROP COLUMN paused_until,
    DROP COLUMN paused_by,
    DROP COLUMN paused_because;

ALTER TABLE producers
    DROP CONSTRAINT a_limit_lets_something_in,
    DROP COLUMN max_open;

DROP INDEX orders_due;

CREATE INDEX orders_due ON orders (provider, account, due_at) WHERE due_at IS NOT NULL;

ALTER TABLE orders
    DROP CONSTRAINT a_priority_is_known,
    DROP COLUMN priority;
"""


def upgrade() -> None:
    """Add what is new; every account is open for business."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Take it away again, with what only this version can tell."""
    op.execute(DOWNGRADE)
