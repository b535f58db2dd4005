"""Operators of the console, their sessions, and what people did. Only new tables: nothing waits.

Revision ID: 0009
"""

from alembic import op

revision = "0009"
down_revision = "0008"

UPGRADE = """
CREATE TABLE operators (
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    disabled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT operators_pkey PRIMARY KEY (name),
    CONSTRAINT a_name_can_be_typed CHECK (name ~ '^[a-z0-9][a-z0-9._@-]{0,63}$'),
    CONSTRAINT role_is_known CHECK (role IN ('operate', 'view'))
);

CREATE TABLE operator_sessions (
    digest BYTEA NOT NULL,
    operator TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT operator_sessions_pkey PRIMARY KEY (digest),
    CONSTRAINT operator_sessions_operator_fkey FOREIGN KEY (operator) REFERENCES operators (name)
);

CREATE INDEX sessions_of_an_operator ON operator_sessions (operator);

CREATE TABLE deeds (
    id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    by TEXT NOT NULL,
    via TEXT NOT NULL,
    action TEXT NOT NULL,
    order_id UUID,
    about TEXT,
    why TEXT,
    data JSONB NOT NULL,
    CONSTRAINT deeds_pkey PRIMARY KEY (id),
    CONSTRAINT via_is_known CHECK (via IN ('command', 'console'))
);

CREATE INDEX deeds_of_an_order ON deeds (order_id, id) WHERE order_id IS NOT NULL;
"""

DOWNGRADE = """
DROP TABLE deeds;

DROP TABLE operator_sessions;

DROP TABLE operators;
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Back to a database without operators."""
    op.execute(DOWNGRADE)
