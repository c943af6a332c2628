-- Webhooks: where an organization wants to be told of its events, and every event that each of them is told of.

CREATE TABLE integration.webhooks (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    url text NOT NULL CHECK (length(url) <= 500), -- may have a secret in it: gone when it is removed
    description text NOT NULL CHECK (length(description) <= 200),
    event_types text[] NOT NULL CHECK (cardinality(event_types) BETWEEN 1 AND 100),
    enabled boolean NOT NULL,
    disabled_reason text CHECK (disabled_reason IN ('gone', 'failing')), -- NULL: nobody but a caller disabled it
    failing_since timestamptz, -- the first failure after its last success, while something waits for it
    data_key bytea, -- of the signing secret, and the sealed secret: gone when it is removed
    secret bytea,
    previous_data_key bytea, -- of the secret before the last rotation, which signs beside it for a while
    previous_secret bytea,
    previous_until timestamptz,
    leased_until timestamptz, -- a worker delivers to it; after that the worker is dead
    version integer NOT NULL CHECK (version > 0),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    removed_at timestamptz,
    UNIQUE (id, org_id),
    CHECK (removed_at IS NOT NULL OR (data_key IS NOT NULL AND secret IS NOT NULL)),
    CHECK ((removed_at IS NULL) = (url <> '')),
    CHECK (num_nulls(previous_data_key, previous_secret, previous_until) IN (0, 3)),
    CHECK (disabled_reason IS NULL OR NOT enabled)
);
CREATE INDEX webhooks_page ON integration.webhooks (org_id, id DESC) WHERE removed_at IS NULL;

CREATE TABLE integration.webhook_deliveries (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    body text NOT NULL, -- what is signed and sent, the same at every attempt
    status text NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts integer NOT NULL CHECK (attempts >= 0),
    next_attempt_at timestamptz, -- NULL: there is none
    last_attempt_at timestamptz,
    last_status_code integer,
    last_error text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL, -- the relay deletes it then
    UNIQUE (webhook_id, event_id),
    FOREIGN KEY (webhook_id, org_id) REFERENCES integration.webhooks (id, org_id),
    CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL))
);
CREATE INDEX webhook_deliveries_page ON integration.webhook_deliveries (webhook_id, id DESC);
CREATE INDEX webhook_deliveries_due ON integration.webhook_deliveries (next_attempt_at)
    WHERE next_attempt_at IS NOT NULL;
CREATE INDEX webhook_deliveries_waiting ON integration.webhook_deliveries (webhook_id, next_attempt_at)
    WHERE next_attempt_at IS NOT NULL;
CREATE INDEX webhook_deliveries_expired ON integration.webhook_deliveries (expires_at);

ALTER TABLE integration.webhooks ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration.webhooks FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON integration.webhooks
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

ALTER TABLE integration.webhook_deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration.webhook_deliveries FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON integration.webhook_deliveries
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

GRANT SELECT, INSERT ON integration.webhooks, integration.webhook_deliveries TO llmo_integration;
GRANT UPDATE (url, description, event_types, enabled, disabled_reason, failing_since, data_key, secret,
    previous_data_key, previous_secret, previous_until, leased_until, version, updated_at, removed_at)
    ON integration.webhooks TO llmo_integration;
GRANT UPDATE (status, attempts, next_attempt_at, last_attempt_at, last_status_code, last_error)
    ON integration.webhook_deliveries TO llmo_integration;

-- The relay deletes deliveries after thirty days, as it does with whatever else expires.

GRANT USAGE ON SCHEMA integration TO llmo_relay;
GRANT SELECT (expires_at), DELETE ON integration.webhook_deliveries TO llmo_relay;
CREATE POLICY relay ON integration.webhook_deliveries TO llmo_relay USING (true) WITH CHECK (false);

-- The worker has to know for which organizations' webhooks something waits, and no more of them than that.

CREATE VIEW integration.waiting_webhooks AS
SELECT delivery.webhook_id, delivery.org_id, delivery.next_attempt_at, webhook.leased_until,
    webhook.failing_since IS NOT NULL AS failing
FROM integration.webhook_deliveries AS delivery
JOIN integration.webhooks AS webhook ON webhook.id = delivery.webhook_id
WHERE delivery.next_attempt_at IS NOT NULL;

GRANT SELECT (webhook_id, org_id, next_attempt_at) ON integration.webhook_deliveries TO llmo_admission;
GRANT SELECT (id, leased_until, failing_since) ON integration.webhooks TO llmo_admission;
CREATE POLICY waiting_webhooks ON integration.webhook_deliveries FOR SELECT TO llmo_admission USING (true);
CREATE POLICY waiting_webhooks ON integration.webhooks FOR SELECT TO llmo_admission USING (true);
GRANT SELECT ON integration.waiting_webhooks TO llmo_integration;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA integration TO llmo_admission;
ALTER VIEW integration.waiting_webhooks OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA integration FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
