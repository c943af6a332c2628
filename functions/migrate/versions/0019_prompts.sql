-- Prompts that calls are made from, by name. Their texts are versions, which never change; labels say which one counts.

CREATE TABLE integration.prompts (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    name text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
    description text NOT NULL CHECK (length(description) <= 500),
    newest integer NOT NULL CHECK (newest >= 0), -- the last version's number; 0 before there is one
    labels jsonb NOT NULL CHECK (jsonb_typeof(labels) = 'object'), -- {"production": 3}
    version integer NOT NULL CHECK (version > 0),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    removed_at timestamptz,
    UNIQUE (id, org_id)
);

CREATE UNIQUE INDEX prompts_name ON integration.prompts (org_id, name) WHERE removed_at IS NULL;
CREATE INDEX prompts_page ON integration.prompts (org_id, id DESC);

CREATE TABLE integration.prompt_versions (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    prompt_id uuid NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    messages jsonb NOT NULL CHECK (jsonb_typeof(messages) = 'array'),
    defaults jsonb NOT NULL CHECK (jsonb_typeof(defaults) = 'object'), -- fields of calls that say nothing else
    note text NOT NULL CHECK (length(note) <= 500),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (prompt_id, number),
    FOREIGN KEY (prompt_id, org_id) REFERENCES integration.prompts (id, org_id)
);

ALTER TABLE integration.prompts ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration.prompts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON integration.prompts
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

ALTER TABLE integration.prompt_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration.prompt_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON integration.prompt_versions
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

GRANT SELECT, INSERT ON integration.prompts, integration.prompt_versions TO llmo_integration;
GRANT UPDATE (name, description, newest, labels, version, updated_at, removed_at) ON integration.prompts TO llmo_integration;
