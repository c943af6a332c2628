-- Optimization policies: one for each project that has its own, and one for all others. The gateway reads them.

CREATE TABLE integration.policies (
    org_id uuid NOT NULL,
    project_id uuid, -- NULL: of all projects without a policy of their own
    compact boolean NOT NULL,
    trim_to_tokens integer CHECK (trim_to_tokens >= 100), -- NULL: conversations stay as long as they are
    max_output_tokens integer CHECK (max_output_tokens > 0),
    prompt_cache boolean NOT NULL,
    cache text NOT NULL CHECK (cache IN ('exact', 'off')),
    cache_ttl_seconds integer NOT NULL CHECK (cache_ttl_seconds BETWEEN 1 AND 2592000),
    version integer NOT NULL CHECK (version > 0), -- goes on when a removed policy is set again
    updated_by uuid NOT NULL,
    updated_at timestamptz NOT NULL,
    removed_at timestamptz,
    UNIQUE NULLS NOT DISTINCT (org_id, project_id)
);

ALTER TABLE integration.policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration.policies FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON integration.policies
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

GRANT SELECT, INSERT ON integration.policies TO llmo_integration;
GRANT UPDATE (compact, trim_to_tokens, max_output_tokens, prompt_cache, cache, cache_ttl_seconds, version, updated_by,
    updated_at, removed_at) ON integration.policies TO llmo_integration;
