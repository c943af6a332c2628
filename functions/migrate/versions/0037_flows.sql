-- What is done about invoices that could not be collected, one row for each.

CREATE TABLE billing.dunnings (
    invoice_id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    steps jsonb NOT NULL CHECK (jsonb_typeof(steps) = 'array'), -- billing.dunning.plan.Steps, as it was when it began
    step integer NOT NULL CHECK (step >= 0), -- how many are done
    retried integer NOT NULL CHECK (retried IN (step, step + 1)), -- up to which a payment method was charged again
    opened_at timestamptz NOT NULL,
    next_at timestamptz, -- NULL: no step is to come
    closed_at timestamptz,
    outcome text CHECK (outcome IN ('paid', 'void', 'uncollectible')),
    CHECK ((closed_at IS NULL) = (outcome IS NULL)),
    CHECK (closed_at IS NULL OR next_at IS NULL),
    FOREIGN KEY (invoice_id, org_id) REFERENCES billing.invoices (id, org_id)
);
CREATE INDEX dunnings_open ON billing.dunnings (org_id, opened_at) WHERE closed_at IS NULL;

-- How well organizations are served: one row of each that ever was not.
CREATE TABLE billing.services (
    org_id uuid PRIMARY KEY,
    standing text NOT NULL CHECK (standing IN ('good', 'restricted', 'suspended')),
    invoice_id uuid, -- on account of which it is not
    since timestamptz,
    revision integer NOT NULL CHECK (revision >= 0), -- consumers keep the highest
    CHECK ((standing = 'good') = (invoice_id IS NULL)),
    CHECK ((revision = 0) = (since IS NULL))
);


DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['dunnings', 'services'] LOOP
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' ENABLE ROW LEVEL SECURITY';
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' FORCE ROW LEVEL SECURITY';
        EXECUTE 'CREATE POLICY tenant ON billing.' || tenant_table
            || ' USING (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)'
            || ' WITH CHECK (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)';
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON billing.dunnings, billing.services TO llmo_billing;
GRANT UPDATE (step, retried, next_at, closed_at, outcome) ON billing.dunnings TO llmo_billing;
GRANT UPDATE (standing, invoice_id, since, revision) ON billing.services TO llmo_billing;
