-- The catalogue: what is counted (meters) and what it costs (plans). It is the operator's, who is an organization, and
-- the others see of it what is offered to them.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'llmo_billing') THEN
        CREATE ROLE llmo_billing LOGIN NOINHERIT;
    END IF;
END
$$;

CREATE SCHEMA billing;
GRANT USAGE ON SCHEMA billing TO llmo_billing;


-- Meters never change: what is billed by them would mean something else.

CREATE TABLE billing.meters (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL, -- the operator
    code text NOT NULL CHECK (code ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
    definition jsonb NOT NULL CHECK (jsonb_typeof(definition) = 'object'), -- billing.metering.meters.Meter
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (org_id, code)
);
CREATE INDEX meters_page ON billing.meters (org_id, id DESC);


-- Plans are names. What they charge is in their versions, which never change.

CREATE TABLE billing.plans (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL, -- the operator
    code text NOT NULL CHECK (code ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description text NOT NULL CHECK (length(description) <= 500),
    newest integer NOT NULL CHECK (newest > 0), -- the number of the last version
    offered_from integer CHECK (offered_from BETWEEN 1 AND newest), -- the version that was the newest then; NULL: a draft
    revision integer NOT NULL CHECK (revision > 0),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    archived_at timestamptz,
    UNIQUE (org_id, code),
    UNIQUE (id, org_id)
);
CREATE INDEX plans_page ON billing.plans (org_id, id DESC);

CREATE TABLE billing.plan_versions (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL, -- the operator
    plan_id uuid NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    definition jsonb NOT NULL CHECK (jsonb_typeof(definition) = 'object'), -- billing.pricing.plans.PlanVersion
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (plan_id, number),
    FOREIGN KEY (plan_id, org_id) REFERENCES billing.plans (id, org_id)
);


-- Row-level security: an organization writes its own rows, and reads of others' what was offered, also when it is
-- archived by now: somebody may be billed by it. What a plan said while it was a draft stays with those who wrote it.

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['meters', 'plans', 'plan_versions'] LOOP
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' ENABLE ROW LEVEL SECURITY';
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' FORCE ROW LEVEL SECURITY';
        EXECUTE 'CREATE POLICY tenant ON billing.' || tenant_table
            || ' USING (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)'
            || ' WITH CHECK (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)';
    END LOOP;
END
$$;
CREATE POLICY known ON billing.meters FOR SELECT
    USING (nullif(current_setting('app.org_id', true), '') IS NOT NULL);
CREATE POLICY offered ON billing.plans FOR SELECT
    USING (offered_from IS NOT NULL AND nullif(current_setting('app.org_id', true), '') IS NOT NULL);
CREATE POLICY offered ON billing.plan_versions FOR SELECT
    USING (EXISTS (SELECT FROM billing.plans WHERE plans.id = plan_id AND plans.offered_from <= number));

GRANT SELECT, INSERT ON billing.meters, billing.plans, billing.plan_versions TO llmo_billing;
GRANT UPDATE (newest, offered_from, revision, archived_at) ON billing.plans TO llmo_billing;
