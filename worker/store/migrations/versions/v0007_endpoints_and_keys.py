"""Endpoints of their own, notices about what was set aside, live secrets and API keys.

Revision ID: 0007
"""

from alembic import op

revision = "0007"
down_revision = "0006"

UPGRADE = """
ALTER TABLE producers
    ADD COLUMN notify_hosts TEXT[] DEFAULT '{}' NOT NULL,
    ADD COLUMN disabled_at TIMESTAMP WITH TIME ZONE;

CREATE TABLE webhook_secrets (
    id UUID NOT NULL,
    producer TEXT NOT NULL,
    sealed_secret BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT webhook_secrets_pkey PRIMARY KEY (id),
    CONSTRAINT webhook_secrets_producer_fkey FOREIGN KEY (producer) REFERENCES producers (name)
);

CREATE UNIQUE INDEX one_current_secret_per_producer ON webhook_secrets (producer)
    WHERE ends_at IS NULL;

CREATE INDEX webhook_secrets_of_a_producer ON webhook_secrets (producer, created_at);

INSERT INTO webhook_secrets (id, producer, sealed_secret, created_at)
SELECT gen_random_uuid(), name, sealed_secret, created_at FROM producers;

ALTER TABLE producers DROP COLUMN sealed_secret;

CREATE TABLE api_keys (
    id TEXT NOT NULL,
    producer TEXT NOT NULL,
    digest BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_producer_fkey FOREIGN KEY (producer) REFERENCES producers (name)
);

CREATE TABLE endpoints (
    producer TEXT NOT NULL,
    url TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT orderline_now() NOT NULL,
    failing_since TIMESTAMP WITH TIME ZONE,
    failed_at TIMESTAMP WITH TIME ZONE,
    failures INTEGER DEFAULT '0' NOT NULL,
    rests_until TIMESTAMP WITH TIME ZONE,
    disabled_at TIMESTAMP WITH TIME ZONE,
    disabled_because TEXT,
    CONSTRAINT endpoints_pkey PRIMARY KEY (producer, url),
    CONSTRAINT an_endpoint_has_no_query CHECK (strpos(url, '?') = 0),
    CONSTRAINT failing_has_failures CHECK ((failing_since IS NULL) = (failures = 0)),
    CONSTRAINT disabled_has_a_reason CHECK ((disabled_at IS NULL) = (disabled_because IS NULL)),
    CONSTRAINT disabled_because_is_known
        CHECK (disabled_because IN ('failing', 'gone', 'operator')),
    CONSTRAINT endpoints_producer_fkey FOREIGN KEY (producer) REFERENCES producers (name)
);

INSERT INTO endpoints (producer, url)
SELECT name, split_part(notify_url, '?', 1) FROM producers
UNION SELECT producer, split_part(notify_url, '?', 1) FROM orders
UNION SELECT producer, split_part(url, '?', 1) FROM notifications;

ALTER TABLE notifications
    RENAME COLUMN line_id TO subject;

ALTER TABLE notifications
    ADD COLUMN endpoint TEXT GENERATED ALWAYS AS (split_part(url, '?', 1)) STORED NOT NULL,
    ADD COLUMN replays INTEGER DEFAULT '0' NOT NULL,
    ADD CONSTRAINT what_is_owed_has_an_endpoint
        FOREIGN KEY (producer, endpoint) REFERENCES endpoints (producer, url);

DROP INDEX notifications_due;

CREATE INDEX notifications_due ON notifications (producer, endpoint, due_at)
    WHERE due_at IS NOT NULL;

ALTER INDEX notifications_owed_of_a_line RENAME TO notifications_owed_of_a_subject;

ALTER TABLE events
    ALTER COLUMN order_id DROP NOT NULL,
    ADD COLUMN quarantine_id UUID,
    ADD COLUMN producer TEXT,
    ADD COLUMN endpoint TEXT,
    DROP CONSTRAINT a_sequence_is_a_lines,
    ADD CONSTRAINT a_sequence_is_of_what_is_told
        CHECK ((line_id IS NULL AND quarantine_id IS NULL) = (sequence IS NULL)),
    ADD CONSTRAINT an_event_is_about_one_thing
        CHECK (num_nonnulls(order_id, quarantine_id, endpoint) = 1),
    ADD CONSTRAINT an_endpoint_is_a_producers
        CHECK ((producer IS NULL) = (endpoint IS NULL)),
    ADD CONSTRAINT an_entrys_events_are_numbered UNIQUE (quarantine_id, sequence),
    ADD CONSTRAINT events_quarantine_id_fkey
        FOREIGN KEY (quarantine_id) REFERENCES quarantine (id),
    ADD CONSTRAINT events_producer_endpoint_fkey
        FOREIGN KEY (producer, endpoint) REFERENCES endpoints (producer, url);

CREATE INDEX events_of_endpoints ON events (at) WHERE endpoint IS NOT NULL;
"""

DOWNGRADE = """
DROP INDEX events_of_endpoints;

DELETE FROM deliveries d USING events e WHERE d.event_id = e.id AND e.order_id IS NULL;

DELETE FROM notifications n USING events e WHERE n.event_id = e.id AND e.order_id IS NULL;

DELETE FROM events WHERE order_id IS NULL;

ALTER TABLE events
    DROP CONSTRAINT events_producer_endpoint_fkey,
    DROP CONSTRAINT events_quarantine_id_fkey,
    DROP CONSTRAINT an_entrys_events_are_numbered,
    DROP CONSTRAINT an_endpoint_is_a_producers,
    DROP CONSTRAINT an_event_is_about_one_thing,
    DROP CONSTRAINT a_sequence_is_of_what_is_told,
    ADD CONSTRAINT a_sequence_is_a_lines CHECK ((line_id IS NULL) = (sequence IS NULL)),
    DROP COLUMN endpoint,
    DROP COLUMN producer,
    DROP COLUMN quarantine_id,
    ALTER COLUMN order_id SET NOT NULL;

ALTER INDEX notifications_owed_of_a_subject RENAME TO notifications_owed_of_a_line;

DROP INDEX notifications_due;

ALTER TABLE notifications
    DROP CONSTRAINT what_is_owed_has_an_endpoint,
    DROP COLUMN endpoint,
    DROP COLUMN replays;

ALTER TABLE notifications
    RENAME COLUMN subject TO line_id;

CREATE INDEX notifications_due ON notifications (due_at) WHERE due_at IS NOT NULL;

DROP TABLE endpoints, api_keys;

ALTER TABLE producers ADD COLUMN sealed_secret BYTEA;

UPDATE producers p SET sealed_secret = coalesce((
    SELECT s.sealed_secret FROM webhook_secrets s
    WHERE s.producer = p.name AND s.ends_at IS NULL), '');

DROP TABLE webhook_secrets;

ALTER TABLE producers
    ALTER COLUMN sealed_secret SET NOT NULL,
    DROP COLUMN notify_hosts,
    DROP COLUMN disabled_at;
"""


def upgrade() -> None:
    """Add what is new, with an endpoint for every URL there is."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Take it away again, with what only this version can tell."""
    op.execute(DOWNGRADE)
