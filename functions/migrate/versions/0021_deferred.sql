-- Deferred calls: files that keys upload, batches made of them, and their lines while they are worked on.

CREATE TABLE integration.files ( -- their contents are in S3
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    project_id uuid NOT NULL,
    key_id uuid NOT NULL,
    filename text NOT NULL CHECK (length(filename) BETWEEN 1 AND 255),
    bytes bigint NOT NULL CHECK (bytes >= 0),
    purpose text NOT NULL CHECK (purpose IN ('batch', 'batch_output')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX files_page ON integration.files (org_id, project_id, id DESC);

CREATE TABLE integration.batches (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    project_id uuid NOT NULL,
    key_id uuid NOT NULL, -- whose calls they are
    endpoint text NOT NULL CHECK (endpoint LIKE '/v1/%'),
    input_file_id uuid NOT NULL,
    output_file_id uuid,
    error_file_id uuid,
    completion_window text NOT NULL,
    metadata jsonb, -- of the customer's
    headers jsonb NOT NULL, -- of the request that count for each call: tags, cache, and where it came from
    single boolean NOT NULL, -- one call that was deferred by its header
    status text NOT NULL CHECK (status IN ('validating', 'failed', 'in_progress', 'finalizing', 'completed', 'expired',
        'cancelling', 'cancelled')),
    errors jsonb, -- why it failed
    total integer NOT NULL DEFAULT 0 CHECK (total >= 0),
    completed integer NOT NULL DEFAULT 0 CHECK (completed >= 0),
    failed integer NOT NULL DEFAULT 0 CHECK (failed >= 0),
    cost_usd numeric(20, 12) NOT NULL DEFAULT 0 CHECK (cost_usd >= 0),
    created_at timestamptz NOT NULL,
    in_progress_at timestamptz,
    expires_at timestamptz NOT NULL,
    finalizing_at timestamptz,
    completed_at timestamptz,
    failed_at timestamptz,
    expired_at timestamptz,
    cancelling_at timestamptz,
    cancelled_at timestamptz,
    wakes_at timestamptz, -- when there is something to do for it; NULL: it has ended
    leased_until timestamptz, -- a worker has it; after that the worker is dead
    UNIQUE (id, org_id)
);
CREATE INDEX batches_page ON integration.batches (org_id, project_id, id DESC);
CREATE INDEX batches_open ON integration.batches (wakes_at) WHERE wakes_at IS NOT NULL;

CREATE TABLE integration.provider_batches ( -- at a provider that has batches of its own
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    target jsonb NOT NULL, -- where, what the model is called there, and what its calls cost
    file_id text, -- the provider's ids, as soon as they are known
    provider_batch_id text,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    UNIQUE (id, org_id),
    FOREIGN KEY (batch_id, org_id) REFERENCES integration.batches (id, org_id)
);
CREATE INDEX provider_batches_batch ON integration.provider_batches (batch_id) WHERE ended_at IS NULL;

CREATE TABLE integration.batch_lines ( -- deleted when the batch has ended: the files have everything
    org_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    position integer NOT NULL CHECK (position > 0), -- the line in the file
    custom_id text NOT NULL,
    call_id uuid NOT NULL UNIQUE, -- of its request, its hold and its usage event
    body text NOT NULL,
    provider_batch_id uuid, -- where it waits for its answer
    alone boolean NOT NULL DEFAULT false, -- its provider took no batch
    tries integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    held_at timestamptz, -- since when its cost is set aside
    outcome text, -- its line of the output or error file; NULL: it has none yet
    failed boolean,
    PRIMARY KEY (batch_id, position),
    FOREIGN KEY (batch_id, org_id) REFERENCES integration.batches (id, org_id),
    FOREIGN KEY (provider_batch_id, org_id) REFERENCES integration.provider_batches (id, org_id)
);
CREATE INDEX batch_lines_waiting ON integration.batch_lines (batch_id, position) WHERE outcome IS NULL;

ALTER TABLE integration.files ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration.files FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON integration.files
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

ALTER TABLE integration.batches ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration.batches FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON integration.batches
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

ALTER TABLE integration.provider_batches ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration.provider_batches FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON integration.provider_batches
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

ALTER TABLE integration.batch_lines ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration.batch_lines FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON integration.batch_lines
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

GRANT SELECT, INSERT ON integration.files, integration.batches, integration.provider_batches TO llmo_integration;
GRANT UPDATE (deleted_at) ON integration.files TO llmo_integration;
GRANT UPDATE (output_file_id, error_file_id, status, errors, total, completed, failed, cost_usd, in_progress_at,
    finalizing_at, completed_at, failed_at, expired_at, cancelling_at, cancelled_at, wakes_at, leased_until)
    ON integration.batches TO llmo_integration;
GRANT UPDATE (file_id, provider_batch_id, ended_at) ON integration.provider_batches TO llmo_integration;
GRANT SELECT, INSERT, DELETE ON integration.batch_lines TO llmo_integration;
GRANT UPDATE (provider_batch_id, alone, tries, retry_at, held_at, outcome, failed) ON integration.batch_lines
    TO llmo_integration;

-- The worker has to know which organizations' batches wait, and no more of them than that.

CREATE VIEW integration.open_batches AS
SELECT id, org_id, wakes_at, leased_until FROM integration.batches WHERE wakes_at IS NOT NULL;

GRANT USAGE ON SCHEMA integration TO llmo_admission;
GRANT SELECT (id, org_id, wakes_at, leased_until) ON integration.batches TO llmo_admission;
CREATE POLICY open_batches ON integration.batches FOR SELECT TO llmo_admission USING (true);
GRANT SELECT ON integration.open_batches TO llmo_integration;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA integration TO llmo_admission;
ALTER VIEW integration.open_batches OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA integration FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
