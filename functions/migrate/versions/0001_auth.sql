-- The schema of the auth service, and the one view that it publishes to the gateway and the authorizer.
--
-- Runs as the database's owner: a superuser, or a role with CREATEROLE (as on Amazon RDS), PostgreSQL 15 to 18.
-- Tenancy: `app.org_id`, set per transaction, names the organization whose rows a transaction may touch. Row-level
-- security is forced, so that it holds for the tables' owner too. Without `app.org_id` there are no rows.


-- Roles. They belong to the whole cluster: another database of it may have made them already. The migration sets
-- their passwords afterwards, from Secrets Manager.

DO $$
DECLARE
    service text;
BEGIN
    FOREACH service IN ARRAY ARRAY['llmo_auth', 'llmo_integration', 'llmo_authorizer'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = service) THEN
            EXECUTE 'CREATE ROLE ' || quote_ident(service) || ' LOGIN NOINHERIT';
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'llmo_admission') THEN
        CREATE ROLE llmo_admission NOLOGIN NOINHERIT;
    END IF;
END
$$;


-- Tables.

CREATE SCHEMA auth;

-- Redis counts spending in pico-dollars, of which 64 bits hold nine million dollars.
CREATE DOMAIN auth.budget_usd AS numeric(20, 12) CHECK (VALUE BETWEEN 0 AND 9000000);

CREATE TABLE auth.organizations (
    id uuid PRIMARY KEY,
    org_ref text NOT NULL UNIQUE CHECK (org_ref ~ '^[0-9A-Za-z]{10}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    monthly_budget_usd auth.budget_usd,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE auth.projects (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES auth.organizations,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    monthly_budget_usd auth.budget_usd,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (org_id, name),
    UNIQUE (id, org_id)
);

CREATE TABLE auth.users (
    id uuid PRIMARY KEY,
    email text NOT NULL CHECK (length(email) BETWEEN 3 AND 254 AND position('@' IN email) > 1),
    password_hash text NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX users_email ON auth.users (lower(email));

CREATE TABLE auth.memberships (
    org_id uuid NOT NULL REFERENCES auth.organizations,
    user_id uuid NOT NULL REFERENCES auth.users,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'developer', 'billing', 'viewer')),
    PRIMARY KEY (org_id, user_id)
);

CREATE INDEX memberships_user ON auth.memberships (user_id);

CREATE TABLE auth.api_keys (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES auth.organizations,
    project_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    key_hash text NOT NULL UNIQUE CHECK (key_hash ~ '^[0-9a-f]{64}$'),
    hint text NOT NULL CHECK (length(hint) = 4),
    created_by uuid NOT NULL, -- a user, or the API key that was used to create this one
    permissions text[] NOT NULL CHECK (array_position(permissions, NULL) IS NULL),
    requests_per_minute integer CHECK (requests_per_minute > 0),
    tokens_per_minute integer CHECK (tokens_per_minute > 0),
    monthly_budget_usd auth.budget_usd,
    allowed_models text[] CHECK (cardinality(allowed_models) > 0 AND array_position(allowed_models, NULL) IS NULL),
    expires_at timestamptz CHECK (expires_at > created_at),
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- A key's project is one of its own organization: foreign keys look past row-level security.
    FOREIGN KEY (project_id, org_id) REFERENCES auth.projects (id, org_id)
);

CREATE INDEX api_keys_page ON auth.api_keys (org_id, id DESC);


-- Row-level security.

ALTER TABLE auth.organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.organizations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON auth.organizations
    USING (id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (id = nullif(current_setting('app.org_id', true), '')::uuid);

ALTER TABLE auth.projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.projects FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON auth.projects
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

ALTER TABLE auth.memberships ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.memberships FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON auth.memberships
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);
-- Somebody who signs in has no organization yet: `app.user_id` shows one user in which organizations they are.
CREATE POLICY own_memberships ON auth.memberships FOR SELECT
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid);

ALTER TABLE auth.api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON auth.api_keys
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

-- A user is one person who may belong to several organizations, so the row carries no organization. It is visible to
-- an organization that the user is a member of. Signing up and signing in know nothing but an e-mail address: a
-- transaction that names one in `app.email` may read or create that one account, and can list no others.
ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.users FORCE ROW LEVEL SECURITY;
CREATE POLICY colleagues ON auth.users FOR SELECT
    USING (EXISTS (
        SELECT FROM auth.memberships AS membership
        WHERE membership.user_id = users.id
            AND membership.org_id = nullif(current_setting('app.org_id', true), '')::uuid
    ));
CREATE POLICY sign_in ON auth.users FOR SELECT
    USING (lower(email) = lower(current_setting('app.email', true)));
CREATE POLICY sign_up ON auth.users FOR INSERT
    WITH CHECK (lower(email) = lower(current_setting('app.email', true)));


-- What the auth service may do; nobody may delete.

GRANT USAGE ON SCHEMA auth TO llmo_auth;
GRANT SELECT, INSERT ON auth.organizations, auth.projects, auth.users, auth.memberships, auth.api_keys TO llmo_auth;
GRANT UPDATE (revoked_at) ON auth.api_keys TO llmo_auth;


-- The published contract: what admitting a call needs to know about its key, whosever it is. The view looks across
-- organizations because its owner may; that owner cannot log in, and reads these columns and nothing else.

GRANT SELECT (id, org_ref, monthly_budget_usd) ON auth.organizations TO llmo_admission;
GRANT SELECT (id, org_id, monthly_budget_usd) ON auth.projects TO llmo_admission;
GRANT SELECT (
    id, org_id, project_id, key_hash, permissions, requests_per_minute, tokens_per_minute, monthly_budget_usd,
    allowed_models, expires_at, revoked_at
) ON auth.api_keys TO llmo_admission;
CREATE POLICY admission ON auth.organizations FOR SELECT TO llmo_admission USING (true);
CREATE POLICY admission ON auth.projects FOR SELECT TO llmo_admission USING (true);
CREATE POLICY admission ON auth.api_keys FOR SELECT TO llmo_admission USING (true);

CREATE VIEW auth.admission_keys AS
SELECT
    api_key.key_hash,
    api_key.id AS key_id,
    api_key.org_id,
    organization.org_ref,
    api_key.project_id,
    api_key.permissions,
    api_key.requests_per_minute,
    api_key.tokens_per_minute,
    api_key.allowed_models,
    api_key.monthly_budget_usd AS key_budget_usd,
    project.monthly_budget_usd AS project_budget_usd,
    organization.monthly_budget_usd AS org_budget_usd,
    api_key.expires_at,
    api_key.revoked_at
FROM auth.api_keys AS api_key
JOIN auth.projects AS project ON project.id = api_key.project_id
JOIN auth.organizations AS organization ON organization.id = api_key.org_id;

GRANT USAGE ON SCHEMA auth TO llmo_integration, llmo_authorizer;
GRANT SELECT ON auth.admission_keys TO llmo_integration, llmo_authorizer;

-- Giving the view away takes membership in the new owner, and the new owner CREATE on the schema, both only now:
-- a member would inherit the policies above.
GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA auth TO llmo_admission;
ALTER VIEW auth.admission_keys OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA auth FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
