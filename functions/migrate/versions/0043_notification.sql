-- Notifications: what was to be told to whom (notifications), and what became of it on each channel (messages).
-- Those about a person belong to no organization; a transaction of no organization sees those, and no others.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'llmo_notification') THEN
        CREATE ROLE llmo_notification LOGIN NOINHERIT;
    END IF;
END
$$;

CREATE SCHEMA notification;
GRANT USAGE ON SCHEMA notification TO llmo_notification;

CREATE TABLE notification.notifications (
    id uuid PRIMARY KEY,
    org_id uuid,
    kind text NOT NULL CHECK (kind ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
    category text NOT NULL,
    priority smallint NOT NULL CHECK (priority BETWEEN 0 AND 2), -- 0 goes first
    channels text[] NOT NULL CHECK (cardinality(channels) > 0),
    audience jsonb NOT NULL CHECK (jsonb_typeof(audience) = 'object'), -- notification.kinds.models.Audience
    variables jsonb NOT NULL CHECK (jsonb_typeof(variables) = 'object'), -- empty once it was forgotten
    dedupe_key text NOT NULL CHECK (length(dedupe_key) BETWEEN 1 AND 200),
    status text NOT NULL CHECK (status IN ('scheduled', 'planning', 'planned', 'cancelled')),
    send_at timestamptz NOT NULL,
    planned_after text, -- the last recipient that was planned for, while it is being planned
    recipients integer NOT NULL DEFAULT 0,
    leased_until timestamptz,
    created_by uuid,
    created_at timestamptz NOT NULL,
    finished_at timestamptz, -- planned or cancelled
    expires_at timestamptz NOT NULL,
    CHECK ((finished_at IS NULL) = (status IN ('scheduled', 'planning')))
);
CREATE UNIQUE INDEX notifications_once ON notification.notifications (org_id, dedupe_key) NULLS NOT DISTINCT;
CREATE INDEX notifications_page ON notification.notifications (org_id, id DESC);
CREATE INDEX notifications_waiting ON notification.notifications (send_at) WHERE finished_at IS NULL;
CREATE INDEX notifications_expiry ON notification.notifications (expires_at);

CREATE TABLE notification.messages (
    id uuid PRIMARY KEY,
    org_id uuid,
    notification_id uuid NOT NULL REFERENCES notification.notifications ON DELETE CASCADE,
    kind text NOT NULL,
    category text NOT NULL,
    priority smallint NOT NULL CHECK (priority BETWEEN 0 AND 2),
    channel text NOT NULL CHECK (channel IN ('email', 'sms', 'push', 'in_app')),
    recipient text NOT NULL CHECK (length(recipient) BETWEEN 1 AND 320), -- whose messages keep their order
    user_id uuid,
    address text CHECK (length(address) BETWEEN 1 AND 4000), -- NULL in the inbox, and once it was forgotten
    name text,
    locale text NOT NULL,
    time_zone text NOT NULL,
    status text NOT NULL CHECK (status IN (
        'queued', 'sending', 'sent', 'delivered', 'opened', 'clicked', 'digested', 'bounced', 'complained', 'failed',
        'suppressed', 'cancelled', 'skipped', 'expired')),
    reason text CHECK (length(reason) <= 500),
    planned_for timestamptz NOT NULL, -- when it was to be sent: messages to somebody go in this order
    due_at timestamptz NOT NULL, -- when it is tried next
    digest text, -- the digest that it is to be a part of
    unless_read boolean NOT NULL DEFAULT false, -- it is not sent to who has read the notification in the inbox
    leased_until timestamptz,
    attempts smallint NOT NULL DEFAULT 0,
    provider text,
    provider_id text,
    cost numeric(18, 6) CHECK (cost >= 0),
    cost_currency text,
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL, -- when it is deleted
    give_up_at timestamptz NOT NULL, -- when it is worth nothing any more
    UNIQUE (notification_id, channel, recipient)
);
CREATE INDEX messages_page ON notification.messages (org_id, id DESC);
CREATE INDEX messages_user ON notification.messages (user_id, id DESC) WHERE user_id IS NOT NULL;
CREATE INDEX messages_due ON notification.messages (channel, priority, due_at)
    WHERE status IN ('queued', 'sending') AND digest IS NULL;
CREATE INDEX messages_digest ON notification.messages (due_at) WHERE status = 'queued' AND digest IS NOT NULL;
CREATE INDEX messages_in_order ON notification.messages (channel, recipient, planned_for)
    WHERE status IN ('queued', 'sending') AND digest IS NULL;
CREATE INDEX messages_provider ON notification.messages (provider, provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX messages_expiry ON notification.messages (expires_at);

CREATE TABLE notification.attempts (
    message_id uuid NOT NULL REFERENCES notification.messages ON DELETE CASCADE,
    number smallint NOT NULL CHECK (number > 0),
    org_id uuid,
    provider text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('sent', 'refused', 'failed', 'unknown')),
    provider_id text,
    reason text CHECK (length(reason) <= 500),
    PRIMARY KEY (message_id, number)
);

-- What providers tell of messages, each once, however often they tell it.
CREATE TABLE notification.receipts (
    provider text NOT NULL,
    event_id text NOT NULL CHECK (length(event_id) BETWEEN 1 AND 200),
    org_id uuid,
    message_id uuid NOT NULL REFERENCES notification.messages ON DELETE CASCADE,
    status text NOT NULL,
    reason text CHECK (length(reason) <= 500),
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (provider, event_id)
);
CREATE INDEX receipts_message ON notification.receipts (message_id, occurred_at);

-- Where nothing is sent to any more, by whomever: the address is not there, or its owner complained. Of the deployment.
CREATE TABLE notification.suppressions (
    channel text NOT NULL CHECK (channel IN ('email', 'sms', 'push')),
    address_hash text NOT NULL CHECK (address_hash ~ '^[0-9a-f]{64}$'), -- under the pepper
    org_id uuid CHECK (org_id IS NULL),
    reason text NOT NULL CHECK (reason IN ('bounced', 'complained', 'unsubscribed', 'gone')),
    message_id uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (channel, address_hash)
);

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['notifications', 'messages', 'attempts', 'receipts', 'suppressions'] LOOP
        EXECUTE 'ALTER TABLE notification.' || tenant_table || ' ENABLE ROW LEVEL SECURITY';
        EXECUTE 'ALTER TABLE notification.' || tenant_table || ' FORCE ROW LEVEL SECURITY';
        EXECUTE 'CREATE POLICY tenant ON notification.' || tenant_table
            || ' USING (org_id IS NOT DISTINCT FROM nullif(current_setting(''app.org_id'', true), '''')::uuid)'
            || ' WITH CHECK (org_id IS NOT DISTINCT FROM nullif(current_setting(''app.org_id'', true), '''')::uuid)';
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON notification.notifications, notification.messages, notification.attempts,
    notification.receipts, notification.suppressions TO llmo_notification;
GRANT UPDATE (status, variables, audience, planned_after, recipients, leased_until, finished_at)
    ON notification.notifications TO llmo_notification;
GRANT UPDATE (recipient, address, name, status, reason, due_at, digest, leased_until, attempts, provider, provider_id, cost,
    cost_currency, sent_at, updated_at, give_up_at) ON notification.messages TO llmo_notification;
GRANT UPDATE (reason), DELETE ON notification.suppressions TO llmo_notification;
GRANT UPDATE (reason) ON notification.attempts, notification.receipts TO llmo_notification;

GRANT SELECT (expires_at), DELETE ON notification.notifications, notification.messages TO llmo_relay;
CREATE POLICY relay ON notification.notifications TO llmo_relay USING (true) WITH CHECK (false);
CREATE POLICY relay ON notification.messages TO llmo_relay USING (true) WITH CHECK (false);


-- Workers have to know what waits, whosever it is, and no more of it than this. A message waits for those that were to
-- be sent to the same recipient before it, unless they are less urgent.

CREATE VIEW notification.due_messages AS
SELECT id, org_id, channel, priority, due_at, leased_until
FROM notification.messages AS message
WHERE status IN ('queued', 'sending') AND digest IS NULL
    AND NOT EXISTS (
        SELECT FROM notification.messages AS earlier
        WHERE earlier.channel = message.channel AND earlier.recipient = message.recipient
            AND earlier.org_id IS NOT DISTINCT FROM message.org_id
            AND earlier.status IN ('queued', 'sending') AND earlier.digest IS NULL
            AND earlier.priority <= message.priority
            AND (earlier.planned_for, earlier.id) < (message.planned_for, message.id)
    );

CREATE VIEW notification.due_notifications AS
SELECT id, org_id, priority, send_at, leased_until FROM notification.notifications WHERE finished_at IS NULL;

CREATE VIEW notification.due_digests AS
SELECT org_id, user_id, digest, min(due_at) AS due_at
FROM notification.messages
WHERE status = 'queued' AND digest IS NOT NULL AND user_id IS NOT NULL
GROUP BY org_id, user_id, digest;

CREATE VIEW notification.message_owners AS
SELECT id, org_id, provider, provider_id FROM notification.messages;

GRANT USAGE ON SCHEMA notification TO llmo_admission;
GRANT SELECT (id, org_id, user_id, channel, recipient, priority, status, digest, planned_for, due_at, leased_until, provider,
    provider_id) ON notification.messages TO llmo_admission;
GRANT SELECT (id, org_id, priority, send_at, leased_until, finished_at) ON notification.notifications TO llmo_admission;
CREATE POLICY due_messages ON notification.messages FOR SELECT TO llmo_admission USING (true);
CREATE POLICY due_notifications ON notification.notifications FOR SELECT TO llmo_admission USING (true);
GRANT SELECT ON notification.due_messages, notification.due_notifications, notification.due_digests,
    notification.message_owners TO llmo_notification;


-- Who can be told something: the members of organizations, and people in none. The one contract with auth's schema.

CREATE VIEW auth.admission_people AS
SELECT
    person.id AS user_id,
    person.email,
    person.name,
    organization.id AS org_id,
    organization.name AS organization,
    membership.role,
    role.permissions::text[] AS permissions -- of a role of the organization's own
FROM auth.users AS person
LEFT JOIN auth.memberships AS membership ON membership.user_id = person.id
LEFT JOIN auth.organizations AS organization
    ON organization.id = membership.org_id AND organization.closed_at IS NULL
LEFT JOIN auth.roles AS role ON role.org_id = membership.org_id AND role.name = membership.role
WHERE person.deleted_at IS NULL;

GRANT USAGE ON SCHEMA auth TO llmo_notification;
GRANT SELECT (id, email, name, deleted_at) ON auth.users TO llmo_admission;
GRANT SELECT (org_id, user_id, role) ON auth.memberships TO llmo_admission;
GRANT SELECT (name) ON auth.organizations TO llmo_admission;
CREATE POLICY admission ON auth.users FOR SELECT TO llmo_admission USING (true);
GRANT SELECT ON auth.admission_people TO llmo_notification;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA auth, notification TO llmo_admission;
ALTER VIEW auth.admission_people OWNER TO llmo_admission;
ALTER VIEW notification.due_messages OWNER TO llmo_admission;
ALTER VIEW notification.due_notifications OWNER TO llmo_admission;
ALTER VIEW notification.due_digests OWNER TO llmo_admission;
ALTER VIEW notification.message_owners OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA auth, notification FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
