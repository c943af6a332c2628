-- Invoices: what organizations have to pay. Once one has a number, what it says stays what it is.

CREATE TABLE billing.invoice_numbers (
    org_id uuid PRIMARY KEY,
    last integer NOT NULL CHECK (last > 0)
);

CREATE TABLE billing.invoices (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    subscription_id uuid,
    status text NOT NULL CHECK (status IN ('draft', 'finalized', 'paid', 'uncollectible', 'void')),
    sequence integer CHECK (sequence > 0), -- NULL: a draft
    number text UNIQUE CHECK (length(number) BETWEEN 1 AND 60),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    total bigint NOT NULL, -- minor units, as in the breakdown
    amount_due bigint NOT NULL CHECK (amount_due >= 0),
    amount_paid bigint NOT NULL CHECK (amount_paid BETWEEN 0 AND amount_due),
    breakdown jsonb NOT NULL CHECK (jsonb_typeof(breakdown) = 'object'), -- billing.invoicing.breakdown.Breakdown
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL CHECK (period_end > period_start),
    issuer jsonb, -- billing.invoices.models.Party
    customer jsonb,
    created_at timestamptz NOT NULL,
    finalized_at timestamptz,
    due_at timestamptz,
    paid_at timestamptz,
    ended_at timestamptz, -- when it was given up or void
    UNIQUE (id, org_id),
    UNIQUE (org_id, sequence),
    CHECK ((status = 'draft') = (sequence IS NULL)),
    CHECK (num_nulls(sequence, number, finalized_at, due_at) IN (0, 4)),
    FOREIGN KEY (subscription_id, org_id) REFERENCES billing.subscriptions (id, org_id)
);
CREATE INDEX invoices_page ON billing.invoices (org_id, id DESC);
CREATE INDEX invoices_drafts ON billing.invoices (created_at) WHERE status = 'draft';

-- What a finalized invoice says is not changed by anybody; what becomes of it is.
CREATE FUNCTION billing.require_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.sequence IS NOT NULL AND (OLD.sequence, OLD.number, OLD.currency, OLD.total, OLD.amount_due, OLD.breakdown,
        OLD.period_start, OLD.period_end, OLD.issuer, OLD.customer, OLD.finalized_at, OLD.due_at)
        IS DISTINCT FROM (NEW.sequence, NEW.number, NEW.currency, NEW.total, NEW.amount_due, NEW.breakdown,
        NEW.period_start, NEW.period_end, NEW.issuer, NEW.customer, NEW.finalized_at, NEW.due_at) THEN
        RAISE EXCEPTION USING ERRCODE = 'restrict_violation', MESSAGE = 'a finalized invoice does not change';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER final BEFORE UPDATE ON billing.invoices FOR EACH ROW EXECUTE FUNCTION billing.require_final();

-- Each thing that a subscription owes is on one invoice.
CREATE TABLE billing.invoiced_claims (
    org_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('advance', 'change', 'usage')),
    at timestamptz NOT NULL,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    invoice_id uuid NOT NULL,
    PRIMARY KEY (subscription_id, kind, at, period_start, period_end),
    FOREIGN KEY (subscription_id, org_id) REFERENCES billing.subscriptions (id, org_id),
    FOREIGN KEY (invoice_id, org_id) REFERENCES billing.invoices (id, org_id)
);

-- What usage was billed for: more that becomes known of it later is an adjustment.
CREATE TABLE billing.billed_usage (
    org_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    stretch_start timestamptz NOT NULL,
    stretch_end timestamptz NOT NULL,
    charge text NOT NULL,
    quantity numeric NOT NULL CHECK (quantity >= 0),
    invoice_id uuid NOT NULL,
    PRIMARY KEY (subscription_id, stretch_start, stretch_end, charge, invoice_id),
    FOREIGN KEY (invoice_id, org_id) REFERENCES billing.invoices (id, org_id)
);

-- Subscriptions as they were looked at the last time, and when there is something due again.
CREATE TABLE billing.invoice_schedule (
    subscription_id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    revision integer NOT NULL,
    bills_at timestamptz, -- NULL: when it has changed
    FOREIGN KEY (subscription_id, org_id) REFERENCES billing.subscriptions (id, org_id)
);


DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY[
        'invoice_numbers', 'invoices', 'invoiced_claims', 'billed_usage', 'invoice_schedule'
    ] LOOP
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' ENABLE ROW LEVEL SECURITY';
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' FORCE ROW LEVEL SECURITY';
        EXECUTE 'CREATE POLICY tenant ON billing.' || tenant_table
            || ' USING (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)'
            || ' WITH CHECK (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)';
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON billing.invoice_numbers, billing.invoices, billing.invoiced_claims, billing.billed_usage,
    billing.invoice_schedule TO llmo_billing;
GRANT UPDATE (last) ON billing.invoice_numbers TO llmo_billing;
GRANT UPDATE (status, sequence, number, total, amount_due, amount_paid, breakdown, issuer, customer, finalized_at, due_at,
    paid_at, ended_at) ON billing.invoices TO llmo_billing;
GRANT UPDATE (revision, bills_at) ON billing.invoice_schedule TO llmo_billing;


-- The invoice run has to know which organizations' subscriptions it has to look at, and which drafts are left over.

CREATE VIEW billing.subscriptions_to_bill AS
SELECT subscription.org_id, subscription.id AS subscription_id, schedule.bills_at,
    schedule.subscription_id IS NULL OR schedule.revision <> subscription.revision AS changed
FROM billing.subscriptions AS subscription
LEFT JOIN billing.invoice_schedule AS schedule ON schedule.subscription_id = subscription.id;

CREATE VIEW billing.left_drafts AS
SELECT org_id, id AS invoice_id, created_at FROM billing.invoices WHERE status = 'draft';

GRANT SELECT (id, org_id, revision) ON billing.subscriptions TO llmo_admission;
GRANT SELECT (subscription_id, org_id, revision, bills_at) ON billing.invoice_schedule TO llmo_admission;
GRANT SELECT (id, org_id, status, created_at) ON billing.invoices TO llmo_admission;
CREATE POLICY subscriptions_to_bill ON billing.invoice_schedule FOR SELECT TO llmo_admission USING (true);
CREATE POLICY left_drafts ON billing.invoices FOR SELECT TO llmo_admission USING (true);
GRANT SELECT ON billing.subscriptions_to_bill, billing.left_drafts TO llmo_billing;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA billing TO llmo_admission;
ALTER VIEW billing.subscriptions_to_bill OWNER TO llmo_admission;
ALTER VIEW billing.left_drafts OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA billing FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
