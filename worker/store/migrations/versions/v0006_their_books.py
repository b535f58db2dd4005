"""Reconciliations: our books beside the providers'.

Revision ID: 0006
"""

from alembic import op

revision = "0006"
down_revision = "0005"

UPGRADE = """
CREATE TABLE reconciliations (
    id UUID NOT NULL,
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    asked_by TEXT NOT NULL,
    state TEXT NOT NULL,
    after UUID,
    collected BOOLEAN DEFAULT 'false' NOT NULL,
    pages INTEGER DEFAULT '0' NOT NULL,
    entries INTEGER DEFAULT '0' NOT NULL,
    orders INTEGER DEFAULT '0' NOT NULL,
    compared INTEGER DEFAULT '0' NOT NULL,
    found JSONB DEFAULT '{}' NOT NULL,
    tries INTEGER DEFAULT '0' NOT NULL,
    reason TEXT,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    lease_until TIMESTAMP WITH TIME ZONE,
    leased_by TEXT,
    fence INTEGER DEFAULT '0' NOT NULL,
    CONSTRAINT reconciliations_pkey PRIMARY KEY (id),
    CONSTRAINT state_is_known CHECK (state IN ('comparing', 'done', 'failed', 'reading'))
);

CREATE UNIQUE INDEX one_run_under_way_per_account ON reconciliations (provider, account)
    WHERE state IN ('reading', 'comparing');

CREATE INDEX reconciliations_of_an_account ON reconciliations (provider, account, started_at);

CREATE INDEX reconciliations_by_age ON reconciliations (started_at);

CREATE TABLE reconciled_shelves (
    run_id UUID NOT NULL,
    shelf TEXT NOT NULL,
    state TEXT NOT NULL,
    next_page TEXT,
    CONSTRAINT reconciled_shelves_pkey PRIMARY KEY (run_id, shelf),
    CONSTRAINT state_is_known CHECK (state IN ('read', 'refused', 'unread')),
    CONSTRAINT reconciled_shelves_run_id_fkey FOREIGN KEY (run_id) REFERENCES reconciliations (id)
);

CREATE TABLE reconciled_orders (
    run_id UUID NOT NULL,
    order_id UUID NOT NULL,
    shelf TEXT,
    CONSTRAINT reconciled_orders_pkey PRIMARY KEY (run_id, order_id),
    CONSTRAINT reconciled_orders_run_id_fkey FOREIGN KEY (run_id) REFERENCES reconciliations (id)
);

CREATE TABLE book_entries (
    run_id UUID NOT NULL,
    provider_ref TEXT NOT NULL,
    provider_line_ref TEXT NOT NULL,
    ref TEXT,
    state TEXT,
    said TEXT NOT NULL,
    price NUMERIC(24, 6),
    currency TEXT,
    placed_at TIMESTAMP WITH TIME ZONE,
    gives_back TEXT,
    CONSTRAINT book_entries_pkey PRIMARY KEY (run_id, provider_ref, provider_line_ref),
    CONSTRAINT book_entries_run_id_fkey FOREIGN KEY (run_id) REFERENCES reconciliations (id)
);

CREATE INDEX book_entries_by_ref ON book_entries (run_id, ref) WHERE ref IS NOT NULL;

CREATE INDEX book_entries_by_gives_back ON book_entries (run_id, gives_back)
    WHERE gives_back IS NOT NULL;

CREATE TABLE differences (
    id UUID NOT NULL,
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    rule TEXT NOT NULL,
    order_id UUID,
    provider_ref TEXT,
    line TEXT NOT NULL,
    ours TEXT NOT NULL,
    theirs TEXT NOT NULL,
    handling TEXT,
    found_in UUID NOT NULL,
    seen_in UUID NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT,
    why TEXT,
    CONSTRAINT differences_pkey PRIMARY KEY (id),
    CONSTRAINT kind_is_known CHECK (kind IN (
        'missing_here', 'missing_there', 'price_differs', 'status_differs', 'surplus_order')),
    CONSTRAINT rule_is_known CHECK (rule IN (
        'alert', 'attach', 'move', 'park', 'record', 'report')),
    CONSTRAINT handling_is_known CHECK (handling IN (
        'agreed', 'attached', 'closed', 'gone', 'moved', 'parked', 'recorded', 'surplus')),
    CONSTRAINT closed_by_somebody CHECK ((closed_at IS NULL) = (closed_by IS NULL))
);

CREATE UNIQUE INDEX a_difference_is_open_once ON differences (
    provider, account, kind, coalesce(order_id::text, ''), coalesce(provider_ref, ''), line)
    WHERE closed_at IS NULL;

CREATE INDEX differences_closed ON differences (
    provider, account, kind, coalesce(order_id::text, ''), coalesce(provider_ref, ''), line)
    WHERE handling = 'closed';

CREATE INDEX differences_of_an_order ON differences (order_id) WHERE order_id IS NOT NULL;

CREATE INDEX differences_found ON differences (found_at);

CREATE INDEX differences_seen ON differences (seen_in);

CREATE INDEX orders_by_age ON orders (provider, account, created_at, id);

CREATE INDEX attempts_that_bought ON attempts (closed_at)
    WHERE commits AND outcome IN ('confirmed', 'pending');
"""

DOWNGRADE = """
DROP INDEX orders_by_age, attempts_that_bought;

DROP TABLE differences, book_entries, reconciled_orders, reconciled_shelves, reconciliations;
"""


def upgrade() -> None:
    """Add what is new; nothing there is changed."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Take it away again; what was done about differences stays in the orders' events only."""
    op.execute(DOWNGRADE)
