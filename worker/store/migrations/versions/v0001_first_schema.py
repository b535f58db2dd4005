"""The first schema: orders, lines, attempts, events, notifications, and what stands beside them.

Revision ID: 0001
"""

from alembic import op

revision = "0001"
down_revision = None

CLOCK = """
CREATE FUNCTION orderline_now() RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN statement_timestamp();

COMMENT ON FUNCTION orderline_now() IS
    'The clock that decides leases and expiries. Tests replace it; nothing else may.';
"""

TABLES = """
CREATE TABLE producers (
    name VARCHAR NOT NULL,
    notify_url TEXT NOT NULL,
    sealed_secret BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE orders (
    id UUID NOT NULL,
    producer TEXT NOT NULL,
    intent_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    intent JSONB NOT NULL,
    notify_url TEXT NOT NULL,
    state TEXT NOT NULL,
    step TEXT,
    due_at TIMESTAMP WITH TIME ZONE,
    lease_until TIMESTAMP WITH TIME ZONE,
    leased_by TEXT,
    fence INTEGER DEFAULT '0' NOT NULL,
    tries INTEGER DEFAULT '0' NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    provider_ref TEXT,
    reason TEXT,
    parked_reason TEXT,
    quoted_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE,
    max_total NUMERIC(24, 6),
    currency TEXT,
    total NUMERIC(24, 6),
    total_currency TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    CONSTRAINT an_intent_is_accepted_once UNIQUE (producer, intent_id),
    CONSTRAINT state_is_known CHECK (state IN (
        'accepted', 'cancelled', 'confirming', 'expired', 'failed', 'fulfilled',
        'in_doubt', 'parked', 'partially_fulfilled', 'placed', 'placing', 'quoted',
        'refused')),
    CONSTRAINT step_is_known CHECK (step IN ('confirm', 'place', 'poll', 'reconcile')),
    CONSTRAINT nothing_is_silently_stuck CHECK (state IN (
        'cancelled', 'expired', 'failed', 'fulfilled', 'partially_fulfilled',
        'refused') OR state = 'parked' OR due_at IS NOT NULL),
    CONSTRAINT what_is_due_has_a_step CHECK ((due_at IS NULL) = (step IS NULL)),
    CONSTRAINT parked_has_a_reason CHECK ((state = 'parked') = (parked_reason IS NOT NULL)),
    FOREIGN KEY(producer) REFERENCES producers (name)
);

CREATE INDEX orders_due ON orders (provider, account, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE lines (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    index INTEGER NOT NULL,
    producer TEXT NOT NULL,
    deliver_id TEXT NOT NULL,
    line_ref TEXT NOT NULL,
    state TEXT NOT NULL,
    sequence INTEGER DEFAULT '0' NOT NULL,
    provider_line_ref TEXT,
    price NUMERIC(24, 6),
    currency TEXT,
    reason TEXT,
    PRIMARY KEY (id),
    CONSTRAINT a_deliver_id_is_used_once UNIQUE (producer, deliver_id),
    CONSTRAINT lines_have_places UNIQUE (order_id, index),
    CONSTRAINT a_line_ref_is_unique UNIQUE (line_ref),
    CONSTRAINT state_is_known CHECK (state IN (
        'accepted', 'cancelled', 'delivered', 'expired', 'failed', 'in_doubt',
        'partially_delivered', 'quoted', 'refused', 'waiting')),
    FOREIGN KEY(order_id) REFERENCES orders (id)
);

CREATE TABLE attempts (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    number INTEGER NOT NULL,
    step TEXT NOT NULL,
    reference TEXT NOT NULL,
    fence INTEGER NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    outcome TEXT,
    closed_at TIMESTAMP WITH TIME ZONE,
    reason TEXT,
    evidence JSONB,
    look_ups INTEGER DEFAULT '0' NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT attempts_are_numbered UNIQUE (order_id, number),
    CONSTRAINT step_is_known CHECK (step IN ('confirm', 'place', 'poll', 'reconcile')),
    CONSTRAINT outcome_is_known CHECK (outcome IN (
        'confirmed', 'in_doubt', 'not_sent', 'pending', 'refused')),
    FOREIGN KEY(order_id) REFERENCES orders (id)
);

CREATE UNIQUE INDEX one_open_attempt_per_order ON attempts (order_id) WHERE outcome IS NULL;

CREATE TABLE events (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    line_id UUID,
    sequence INTEGER,
    type TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    data JSONB NOT NULL,
    sealed_goods BYTEA,
    PRIMARY KEY (id),
    CONSTRAINT a_lines_events_are_numbered UNIQUE (line_id, sequence),
    CONSTRAINT a_sequence_is_a_lines CHECK ((line_id IS NULL) = (sequence IS NULL)),
    FOREIGN KEY(order_id) REFERENCES orders (id),
    FOREIGN KEY(line_id) REFERENCES lines (id)
);

CREATE INDEX events_of_an_order ON events (order_id);

CREATE TABLE notifications (
    event_id UUID NOT NULL,
    line_id UUID NOT NULL,
    sequence INTEGER NOT NULL,
    producer TEXT NOT NULL,
    url TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    lease_until TIMESTAMP WITH TIME ZONE,
    fence INTEGER DEFAULT '0' NOT NULL,
    tries INTEGER DEFAULT '0' NOT NULL,
    acknowledged_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (event_id),
    CONSTRAINT state_is_known CHECK (state IN ('acknowledged', 'exhausted', 'pending')),
    CONSTRAINT what_is_owed_is_due CHECK ((state = 'pending') = (due_at IS NOT NULL)),
    FOREIGN KEY(event_id) REFERENCES events (id)
);

CREATE INDEX notifications_due ON notifications (due_at) WHERE due_at IS NOT NULL;

CREATE INDEX notifications_owed_of_a_line ON notifications (line_id, sequence)
    WHERE state = 'pending';

CREATE TABLE deliveries (
    event_id UUID NOT NULL,
    number INTEGER NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    milliseconds INTEGER NOT NULL,
    code INTEGER,
    error TEXT,
    excerpt TEXT,
    PRIMARY KEY (event_id, number),
    FOREIGN KEY(event_id) REFERENCES notifications (event_id)
);

CREATE TABLE accounts (
    provider VARCHAR NOT NULL,
    account VARCHAR NOT NULL,
    rung_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (provider, account)
);

CREATE TABLE tokens (
    provider VARCHAR NOT NULL,
    account VARCHAR NOT NULL,
    sealed_token BYTEA,
    version INTEGER DEFAULT '0' NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    lease_until TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (provider, account)
);

CREATE TABLE quarantine (
    id UUID NOT NULL,
    producer TEXT NOT NULL,
    stream TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    sealed_entry BYTEA NOT NULL,
    code TEXT NOT NULL,
    path TEXT NOT NULL,
    detail TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT an_entry_is_quarantined_once UNIQUE (stream, entry_id, digest)
);
"""

SET_ONCE = """
CREATE FUNCTION provider_ref_is_set_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'order % already has provider_ref %, refused %',
        OLD.id, OLD.provider_ref, NEW.provider_ref
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER provider_ref_is_set_once BEFORE UPDATE OF provider_ref ON orders
    FOR EACH ROW
    WHEN (OLD.provider_ref IS NOT NULL AND NEW.provider_ref IS DISTINCT FROM OLD.provider_ref)
    EXECUTE FUNCTION provider_ref_is_set_once();
"""


def upgrade() -> None:
    """Create everything."""
    for statements in (CLOCK, TABLES, SET_ONCE):
        op.execute(statements)


def downgrade() -> None:
    """Drop everything; the data goes with it."""
    op.execute(
        "DROP TABLE quarantine, tokens, accounts, deliveries, notifications, events, attempts,"
        " lines, orders, producers"
    )
    op.execute("DROP FUNCTION provider_ref_is_set_once(), orderline_now()")
