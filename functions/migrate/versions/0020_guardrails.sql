-- Guardrails: what is looked for in the texts of calls and answers, and what is done about it. The gateway reads them.

CREATE TABLE integration.guardrails (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    name text NOT NULL,
    project_id uuid, -- NULL: of all projects
    stage text NOT NULL CHECK (stage IN ('input', 'output', 'both')),
    kind text NOT NULL CHECK (kind IN ('pattern', 'pii', 'deny', 'allow')),
    action text NOT NULL CHECK (action IN ('block', 'mask', 'flag')),
    pattern text CHECK (length(pattern) BETWEEN 1 AND 1000),
    pii text[] NOT NULL,
    words text[] NOT NULL CHECK (cardinality(words) <= 1000),
    message text NOT NULL, -- what callers are told when it blocks
    enabled boolean NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    removed_at timestamptz,
    CHECK (kind <> 'allow' OR action <> 'mask'),
    CHECK (
        CASE kind
            WHEN 'pattern' THEN pattern IS NOT NULL AND cardinality(pii) = 0 AND cardinality(words) = 0
            WHEN 'pii' THEN pattern IS NULL AND cardinality(pii) > 0 AND cardinality(words) = 0
            WHEN 'deny' THEN pattern IS NULL AND cardinality(pii) = 0 AND cardinality(words) > 0
            ELSE cardinality(pii) = 0 AND (pattern IS NOT NULL OR cardinality(words) > 0)
        END
    )
);

CREATE UNIQUE INDEX guardrails_name ON integration.guardrails (org_id, name) WHERE removed_at IS NULL;

ALTER TABLE integration.guardrails ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration.guardrails FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON integration.guardrails
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

GRANT SELECT, INSERT ON integration.guardrails TO llmo_integration;
GRANT UPDATE (name, project_id, stage, action, pattern, pii, words, message, enabled, version, updated_at, removed_at)
    ON integration.guardrails TO llmo_integration;
