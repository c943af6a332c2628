-- Contents of calls: which projects want them kept, and which are. What was said is in S3.

CREATE TABLE integration.content_logging (
    org_id uuid NOT NULL,
    project_id uuid NOT NULL,
    retention_days integer NOT NULL CHECK (retention_days IN (1, 7, 30, 90, 365)), -- the bucket has a rule for each
    redact text[] NOT NULL, -- kinds of personal data of which only a label is kept
    version integer NOT NULL CHECK (version > 0),
    updated_by uuid NOT NULL,
    updated_at timestamptz NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (org_id, project_id)
);

CREATE TABLE integration.call_contents (
    id uuid PRIMARY KEY, -- of the call's usage event
    org_id uuid NOT NULL,
    project_id uuid NOT NULL,
    key_id uuid NOT NULL,
    request_id text NOT NULL,
    endpoint text NOT NULL,
    model text NOT NULL,
    status text NOT NULL,
    http_status integer NOT NULL,
    end_user text,
    started_at timestamptz NOT NULL,
    retention_days integer NOT NULL,
    redacted boolean NOT NULL,
    expires_at timestamptz NOT NULL,
    erased_at timestamptz -- stays until it expires: no delivery brings back what was erased
);
CREATE INDEX call_contents_page ON integration.call_contents (org_id, id DESC) WHERE erased_at IS NULL;
CREATE INDEX call_contents_project ON integration.call_contents (org_id, project_id, id DESC) WHERE erased_at IS NULL;
CREATE INDEX call_contents_end_user ON integration.call_contents (org_id, end_user, id DESC)
    WHERE erased_at IS NULL AND end_user IS NOT NULL;
CREATE INDEX call_contents_request ON integration.call_contents (org_id, request_id) WHERE erased_at IS NULL;
CREATE INDEX call_contents_expiry ON integration.call_contents (expires_at);

ALTER TABLE integration.content_logging ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration.content_logging FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON integration.content_logging
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

ALTER TABLE integration.call_contents ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration.call_contents FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON integration.call_contents
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

CREATE POLICY relay ON integration.call_contents TO llmo_relay USING (true) WITH CHECK (false);

GRANT SELECT, INSERT ON integration.content_logging, integration.call_contents TO llmo_integration;
GRANT UPDATE (retention_days, redact, version, updated_by, updated_at, removed_at) ON integration.content_logging
    TO llmo_integration;
GRANT UPDATE (erased_at) ON integration.call_contents TO llmo_integration;
GRANT SELECT (expires_at), DELETE ON integration.call_contents TO llmo_relay;
