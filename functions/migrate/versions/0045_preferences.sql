-- What people choose about notifications (preferences), what they ask for (topics), and where they are (contacts).
-- What is a person's own belongs to no organization; a transaction of no organization sees it.

CREATE TABLE notification.user_preferences (
    user_id uuid PRIMARY KEY,
    org_id uuid CHECK (org_id IS NULL),
    choices jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(choices) = 'object'), -- notification.preferences.models.Choices
    revision integer NOT NULL DEFAULT 1 CHECK (revision > 0),
    updated_at timestamptz
);

CREATE TABLE notification.organization_preferences (
    org_id uuid PRIMARY KEY,
    defaults jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(defaults) = 'object'), -- notification.preferences.models.Defaults
    revision integer NOT NULL DEFAULT 1 CHECK (revision > 0),
    updated_by uuid,
    updated_at timestamptz
);

-- Who wants no e-mail of a category from an organization, and has no account to say so with.
CREATE TABLE notification.address_choices (
    org_id uuid,
    address_hash text NOT NULL CHECK (address_hash ~ '^[0-9a-f]{64}$'), -- under the pepper
    category text NOT NULL CHECK (length(category) BETWEEN 1 AND 63),
    created_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (org_id, address_hash, category)
);

CREATE TABLE notification.topics (
    id uuid NOT NULL UNIQUE,
    org_id uuid NOT NULL,
    code text NOT NULL CHECK (code ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description text NOT NULL CHECK (length(description) <= 1000),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, code)
);
CREATE INDEX topics_page ON notification.topics (org_id, id DESC);

CREATE TABLE notification.topic_subscribers (
    org_id uuid NOT NULL,
    code text NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, code, user_id),
    FOREIGN KEY (org_id, code) REFERENCES notification.topics (org_id, code) ON DELETE CASCADE
);
CREATE INDEX topic_subscribers_user ON notification.topic_subscribers (org_id, user_id);

CREATE TABLE notification.phones (
    user_id uuid PRIMARY KEY,
    org_id uuid CHECK (org_id IS NULL),
    number text CHECK (number ~ '^[+][1-9][0-9]{6,14}$'), -- E.164; NULL until one is verified
    verified_at timestamptz,
    pending_number text CHECK (pending_number ~ '^[+][1-9][0-9]{6,14}$'), -- that a code was sent to
    code_hash text CHECK (code_hash ~ '^[0-9a-f]{64}$'), -- under the pepper
    code_expires_at timestamptz,
    attempts smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0), -- at the code
    created_at timestamptz NOT NULL,
    CHECK ((number IS NULL) = (verified_at IS NULL)),
    CHECK ((pending_number IS NULL) = (code_hash IS NULL) AND (code_hash IS NULL) = (code_expires_at IS NULL))
);

-- Which codes were sent in the last day, for limits of those who ask, and of those who get them.
CREATE TABLE notification.sent_codes (
    id uuid PRIMARY KEY,
    org_id uuid CHECK (org_id IS NULL),
    user_id uuid NOT NULL,
    number_hash text NOT NULL CHECK (number_hash ~ '^[0-9a-f]{64}$'), -- under the pepper
    sent_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL -- when it is forgotten
);
CREATE INDEX sent_codes_user ON notification.sent_codes (user_id, sent_at);
CREATE INDEX sent_codes_number ON notification.sent_codes (number_hash, sent_at);
CREATE INDEX sent_codes_expiry ON notification.sent_codes (expires_at);

CREATE TABLE notification.devices (
    id uuid PRIMARY KEY,
    org_id uuid CHECK (org_id IS NULL),
    user_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('web_push', 'fcm')),
    address text NOT NULL CHECK (length(address) BETWEEN 1 AND 4000), -- JSON, as providers read it
    address_hash text NOT NULL UNIQUE CHECK (address_hash ~ '^[0-9a-f]{64}$'), -- of the endpoint or the token
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL
);
CREATE INDEX devices_user ON notification.devices (user_id, id);

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['user_preferences', 'organization_preferences', 'address_choices', 'topics',
        'topic_subscribers', 'phones', 'sent_codes', 'devices'] LOOP
        EXECUTE 'ALTER TABLE notification.' || tenant_table || ' ENABLE ROW LEVEL SECURITY';
        EXECUTE 'ALTER TABLE notification.' || tenant_table || ' FORCE ROW LEVEL SECURITY';
        EXECUTE 'CREATE POLICY tenant ON notification.' || tenant_table
            || ' USING (org_id IS NOT DISTINCT FROM nullif(current_setting(''app.org_id'', true), '''')::uuid)'
            || ' WITH CHECK (org_id IS NOT DISTINCT FROM nullif(current_setting(''app.org_id'', true), '''')::uuid)';
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON notification.user_preferences, notification.organization_preferences,
    notification.address_choices, notification.topics, notification.topic_subscribers, notification.phones,
    notification.sent_codes, notification.devices TO llmo_notification;
GRANT UPDATE (choices, revision, updated_at) ON notification.user_preferences TO llmo_notification;
GRANT UPDATE (defaults, revision, updated_by, updated_at) ON notification.organization_preferences TO llmo_notification;
GRANT UPDATE (number, verified_at, pending_number, code_hash, code_expires_at, attempts)
    ON notification.phones TO llmo_notification;
GRANT UPDATE (user_id, address, name) ON notification.devices TO llmo_notification;
GRANT DELETE ON notification.user_preferences, notification.topics, notification.topic_subscribers,
    notification.phones, notification.devices TO llmo_notification;

GRANT SELECT (expires_at), DELETE ON notification.sent_codes TO llmo_relay;
CREATE POLICY relay ON notification.sent_codes TO llmo_relay USING (true) WITH CHECK (false);

-- A request of a person's own is theirs, whatever organization they are in; see llmo_data.idempotency.
CREATE POLICY own ON notification.idempotency_keys TO llmo_notification
    USING (org_id = nullif(current_setting('app.user_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.user_id', true), '')::uuid);

-- How many messages somebody gets in a day, from all their organizations: what frequency caps count. What goes into a
-- digest is counted with it, and what nobody can mute counts for none.
CREATE INDEX messages_of_a_day ON notification.messages (user_id, planned_for) WHERE user_id IS NOT NULL;
CREATE VIEW notification.planned_messages AS
SELECT user_id, channel, planned_for
FROM notification.messages
WHERE user_id IS NOT NULL AND digest IS NULL AND channel <> 'in_app'
    AND category NOT IN ('account', 'security', 'payments')
    AND status NOT IN ('skipped', 'suppressed', 'cancelled', 'expired', 'digested');

GRANT SELECT (user_id, category) ON notification.messages TO llmo_admission;
GRANT SELECT ON notification.planned_messages TO llmo_notification;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA notification TO llmo_admission;
ALTER VIEW notification.planned_messages OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA notification FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
