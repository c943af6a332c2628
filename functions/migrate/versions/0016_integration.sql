-- Providers, models and routes of organizations. The management API writes them; the gateway reads them.

CREATE SCHEMA integration;
GRANT USAGE ON SCHEMA integration TO llmo_integration;


-- Connections to providers. Credentials are sealed (AES-256-GCM) under a data key of their own, which only KMS opens.

CREATE TABLE integration.providers (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    name text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'), -- models are called name/model
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 40),
    base_url text NOT NULL CHECK (length(base_url) BETWEEN 8 AND 500),
    api_version text CHECK (length(api_version) BETWEEN 1 AND 40), -- Azure's
    region text CHECK (length(region) BETWEEN 1 AND 60),
    data_key bytea, -- as KMS encrypted it
    credentials bytea, -- nonce and ciphertext of the API key
    credentials_hint text CHECK (length(credentials_hint) = 4),
    headers jsonb NOT NULL CHECK (jsonb_typeof(headers) = 'object'), -- sent with every call; no secrets
    version integer NOT NULL CHECK (version > 0),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    removed_at timestamptz,
    UNIQUE (id, org_id),
    CHECK ((data_key IS NULL) = (credentials IS NULL) AND (credentials IS NULL) = (credentials_hint IS NULL))
);

CREATE UNIQUE INDEX providers_name ON integration.providers (org_id, name) WHERE removed_at IS NULL;
CREATE INDEX providers_page ON integration.providers (org_id, id DESC);


-- Models by the names that an organization calls them.

CREATE TABLE integration.models (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    provider_id uuid NOT NULL,
    upstream_model text NOT NULL CHECK (length(upstream_model) BETWEEN 1 AND 200), -- what the provider calls it
    capabilities text[] CHECK (array_position(capabilities, NULL) IS NULL), -- NULL: not known
    context_window integer CHECK (context_window > 0),
    max_output_tokens integer CHECK (max_output_tokens > 0),
    deprecated_at timestamptz, -- calls are answered with a warning from then on
    retired_at timestamptz, -- and refused from then on
    replacement text CHECK (length(replacement) BETWEEN 1 AND 200),
    version integer NOT NULL CHECK (version > 0),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    removed_at timestamptz,
    UNIQUE (id, org_id),
    FOREIGN KEY (provider_id, org_id) REFERENCES integration.providers (id, org_id)
);

CREATE UNIQUE INDEX models_name ON integration.models (org_id, name) WHERE removed_at IS NULL;
CREATE INDEX models_page ON integration.models (org_id, id DESC);

-- What an organization pays, when that is not what the price table says; dollars per million tokens.

CREATE TABLE integration.model_prices (
    model_id uuid NOT NULL,
    org_id uuid NOT NULL,
    effective_from timestamptz NOT NULL,
    input_mtok numeric(20, 12) NOT NULL CHECK (input_mtok >= 0),
    cached_input_mtok numeric(20, 12) CHECK (cached_input_mtok >= 0), -- NULL: as any input
    output_mtok numeric(20, 12) NOT NULL CHECK (output_mtok >= 0),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (model_id, effective_from),
    FOREIGN KEY (model_id, org_id) REFERENCES integration.models (id, org_id)
);


-- Routes: names that stand for several targets, and how one of them is chosen.

CREATE TABLE integration.routes (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200), -- what callers give as `model`
    strategy text NOT NULL CHECK (strategy IN ('priority', 'weighted', 'cheapest', 'fastest', 'least_busy')),
    targets jsonb NOT NULL CHECK (jsonb_typeof(targets) = 'array' AND jsonb_array_length(targets) BETWEEN 1 AND 20),
    sticky text NOT NULL CHECK (sticky IN ('none', 'key', 'end_user')), -- whom a weighted choice is made for once
    attempts integer NOT NULL CHECK (attempts BETWEEN 1 AND 10), -- the most, over all targets
    deadline_ms integer NOT NULL CHECK (deadline_ms BETWEEN 1 AND 870000), -- until the answer begins, over all attempts
    first_byte_ms integer NOT NULL CHECK (first_byte_ms BETWEEN 1 AND 870000),
    between_chunks_ms integer NOT NULL CHECK (between_chunks_ms BETWEEN 1 AND 870000),
    version integer NOT NULL CHECK (version > 0),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    removed_at timestamptz
);

CREATE UNIQUE INDEX routes_name ON integration.routes (org_id, name) WHERE removed_at IS NULL;
CREATE INDEX routes_page ON integration.routes (org_id, id DESC);


-- Row-level security.

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['providers', 'models', 'model_prices', 'routes'] LOOP
        EXECUTE 'ALTER TABLE integration.' || tenant_table || ' ENABLE ROW LEVEL SECURITY';
        EXECUTE 'ALTER TABLE integration.' || tenant_table || ' FORCE ROW LEVEL SECURITY';
        EXECUTE 'CREATE POLICY tenant ON integration.' || tenant_table
            || ' USING (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)'
            || ' WITH CHECK (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)';
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON integration.providers, integration.models, integration.model_prices, integration.routes
    TO llmo_integration;
GRANT UPDATE (name, base_url, api_version, region, data_key, credentials, credentials_hint, headers, version, updated_at,
    removed_at) ON integration.providers TO llmo_integration;
GRANT UPDATE (name, provider_id, upstream_model, capabilities, context_window, max_output_tokens, deprecated_at,
    retired_at, replacement, version, updated_at, removed_at) ON integration.models TO llmo_integration;
GRANT UPDATE (input_mtok, cached_input_mtok, output_mtok, created_by, created_at) -- of prices that are not in effect yet
    ON integration.model_prices TO llmo_integration;
GRANT UPDATE (name, strategy, targets, sticky, attempts, deadline_ms, first_byte_ms, between_chunks_ms, version,
    updated_at, removed_at) ON integration.routes TO llmo_integration;


-- The published contract: whose reference is whose. An organization's Redis keys are named by its reference.

GRANT SELECT (id, org_ref, closed_at) ON auth.organizations TO llmo_admission;

CREATE VIEW auth.admission_organizations AS
SELECT id AS org_id, org_ref, closed_at FROM auth.organizations;

GRANT SELECT ON auth.admission_organizations TO llmo_integration;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA auth TO llmo_admission;
ALTER VIEW auth.admission_organizations OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA auth FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
