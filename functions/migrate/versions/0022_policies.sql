-- What was forgotten of the cache: the gateway finds no answer that was stored before.

CREATE TABLE integration.cache_purges (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    project_id uuid, -- NULL: of all projects
    purged_by uuid NOT NULL,
    purged_at timestamptz NOT NULL
);
CREATE INDEX cache_purges_of_projects ON integration.cache_purges (org_id, project_id, id);

ALTER TABLE integration.cache_purges ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration.cache_purges FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON integration.cache_purges
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

GRANT SELECT, INSERT ON integration.cache_purges TO llmo_integration;

-- Policies of API keys, what else they say of the cache, and which models answer in place of dearer ones.

ALTER TABLE integration.policies
    ADD COLUMN key_id uuid, -- of this key, whatever its project has
    ADD COLUMN cache_any_temperature boolean NOT NULL DEFAULT false,
    ADD COLUMN cache_namespace text CHECK (length(cache_namespace) BETWEEN 1 AND 64),
    ADD COLUMN substitute_models jsonb NOT NULL DEFAULT '{}', -- {"dearer": "cheaper"}
    ADD COLUMN substitute_up_to_tokens integer CHECK (substitute_up_to_tokens > 0), -- NULL: calls of any size
    ADD CHECK (project_id IS NULL OR key_id IS NULL),
    DROP CONSTRAINT policies_cache_check,
    ADD CONSTRAINT policies_cache_check CHECK (cache IN ('exact', 'form', 'off')),
    DROP CONSTRAINT policies_org_id_project_id_key,
    ADD CONSTRAINT policies_whose UNIQUE NULLS NOT DISTINCT (org_id, project_id, key_id);

GRANT UPDATE (cache_any_temperature, cache_namespace, substitute_models, substitute_up_to_tokens) ON integration.policies TO llmo_integration;

-- The gateway reads all prices of an organization.

CREATE INDEX model_prices_of_organizations ON integration.model_prices (org_id);
