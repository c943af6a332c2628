-- Limits and budgets that organizations set, beside those of their API keys. The gateway counts in Redis.

CREATE TABLE integration.organization_settings (
    org_id uuid PRIMARY KEY,
    time_zone text NOT NULL CHECK (length(time_zone) BETWEEN 1 AND 60), -- IANA's name: where days, weeks and months begin
    version integer NOT NULL CHECK (version > 0),
    updated_by uuid NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE integration.budgets (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    scope text NOT NULL CHECK (scope IN ('organization', 'project', 'key', 'end_user')),
    subject text CHECK (length(subject) BETWEEN 1 AND 256), -- a project, key or end user; NULL: each one by itself
    window_kind text NOT NULL CHECK (window_kind IN ('day', 'week', 'month', 'total')),
    limit_usd auth.budget_usd NOT NULL,
    hard boolean NOT NULL, -- whether calls are refused that could exceed it
    alerts smallint[] NOT NULL CHECK (0 < ALL (alerts) AND 100 >= ALL (alerts) AND cardinality(alerts) <= 20),
    version integer NOT NULL CHECK (version > 0),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    removed_at timestamptz,
    CHECK (scope <> 'organization' OR subject IS NULL)
);

CREATE INDEX budgets_page ON integration.budgets (org_id, id DESC) WHERE removed_at IS NULL;

CREATE TABLE integration.limits (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    scope text NOT NULL CHECK (scope IN ('organization', 'project', 'key', 'end_user')),
    subject text CHECK (length(subject) BETWEEN 1 AND 256),
    requests_per_minute integer CHECK (requests_per_minute > 0),
    tokens_per_minute integer CHECK (tokens_per_minute > 0),
    tokens_per_day bigint CHECK (tokens_per_day > 0),
    concurrent_requests integer CHECK (concurrent_requests > 0),
    version integer NOT NULL CHECK (version > 0),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    removed_at timestamptz,
    CHECK (scope <> 'organization' OR subject IS NULL),
    CHECK (num_nonnulls(requests_per_minute, tokens_per_minute, tokens_per_day, concurrent_requests) > 0)
);

CREATE INDEX limits_page ON integration.limits (org_id, id DESC) WHERE removed_at IS NULL;


-- Row-level security.

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['organization_settings', 'budgets', 'limits'] LOOP
        EXECUTE 'ALTER TABLE integration.' || tenant_table || ' ENABLE ROW LEVEL SECURITY';
        EXECUTE 'ALTER TABLE integration.' || tenant_table || ' FORCE ROW LEVEL SECURITY';
        EXECUTE 'CREATE POLICY tenant ON integration.' || tenant_table
            || ' USING (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)'
            || ' WITH CHECK (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)';
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON integration.organization_settings, integration.budgets, integration.limits TO llmo_integration;
GRANT UPDATE (time_zone, version, updated_by, updated_at) ON integration.organization_settings TO llmo_integration;
GRANT UPDATE (name, limit_usd, hard, alerts, version, updated_at, removed_at) ON integration.budgets TO llmo_integration;
GRANT UPDATE (name, requests_per_minute, tokens_per_minute, tokens_per_day, concurrent_requests, version, updated_at,
    removed_at) ON integration.limits TO llmo_integration;
