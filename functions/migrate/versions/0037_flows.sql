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

-- State machines that wait to be told how something ended.
CREATE TABLE billing.waiting_flows (
    kind text NOT NULL CHECK (kind IN ('top_up', 'refund')),
    subject_id uuid NOT NULL,
    org_id uuid NOT NULL,
    token text NOT NULL CHECK (length(token) BETWEEN 1 AND 2048),
    since timestamptz NOT NULL,
    PRIMARY KEY (org_id, kind, subject_id)
);

-- Changes of subscriptions that take effect once they are paid for.
CREATE TABLE billing.paid_changes (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    revision integer NOT NULL, -- of the subscription that the amount was computed for
    terms jsonb NOT NULL CHECK (jsonb_typeof(terms) = 'object'), -- billing.subscriptions.models.Terms
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount bigint NOT NULL CHECK (amount >= 0), -- minor units
    top_up_id uuid UNIQUE REFERENCES billing.top_ups (id), -- the credit that is bought for it; NULL: nothing was charged yet
    status text NOT NULL CHECK (status IN ('requested', 'charged', 'applied', 'failed')),
    failure text CHECK (length(failure) BETWEEN 1 AND 200),
    requested_by uuid NOT NULL,
    requested_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK ((status = 'failed') = (failure IS NOT NULL)),
    CHECK ((status IN ('applied', 'failed')) = (ended_at IS NOT NULL)),
    FOREIGN KEY (subscription_id, org_id) REFERENCES billing.subscriptions (id, org_id)
);
CREATE INDEX paid_changes_page ON billing.paid_changes (org_id, subscription_id, id DESC);
-- Of two that are asked for at once, one is refused.
CREATE UNIQUE INDEX paid_changes_once ON billing.paid_changes (subscription_id)
    WHERE status IN ('requested', 'charged');


DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['dunnings', 'services', 'waiting_flows', 'paid_changes'] LOOP
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' ENABLE ROW LEVEL SECURITY';
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' FORCE ROW LEVEL SECURITY';
        EXECUTE 'CREATE POLICY tenant ON billing.' || tenant_table
            || ' USING (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)'
            || ' WITH CHECK (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)';
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON billing.dunnings, billing.services, billing.paid_changes TO llmo_billing;
GRANT UPDATE (step, retried, next_at, closed_at, outcome) ON billing.dunnings TO llmo_billing;
GRANT UPDATE (standing, invoice_id, since, revision) ON billing.services TO llmo_billing;
GRANT SELECT, INSERT, DELETE ON billing.waiting_flows TO llmo_billing;
GRANT UPDATE (token, since) ON billing.waiting_flows TO llmo_billing;
GRANT UPDATE (top_up_id, status, failure, ended_at) ON billing.paid_changes TO llmo_billing;
