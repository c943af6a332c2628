-- Payments by Stripe. A row is committed before Stripe is asked for anything that costs money, and its id is the key
-- under which Stripe does it once. Whatever Stripe knows by an id of its own has it in `stripe_id`.

CREATE TABLE billing.stripe_customers (
    org_id uuid PRIMARY KEY,
    stripe_id text NOT NULL UNIQUE CHECK (length(stripe_id) BETWEEN 1 AND 255),
    created_at timestamptz NOT NULL
);

CREATE TABLE billing.payment_methods (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES billing.stripe_customers (org_id),
    stripe_id text NOT NULL UNIQUE CHECK (length(stripe_id) BETWEEN 1 AND 255),
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 50), -- Stripe's: `card`, `sepa_debit`, ...
    brand text,
    last4 text,
    exp_month smallint CHECK (exp_month BETWEEN 1 AND 12),
    exp_year smallint,
    is_default boolean NOT NULL,
    revision integer NOT NULL CHECK (revision > 0), -- one more with each change that Stripe is told of
    created_at timestamptz NOT NULL,
    detached_at timestamptz, -- it can never be charged again
    UNIQUE (id, org_id),
    CHECK (detached_at IS NULL OR NOT is_default)
);
CREATE INDEX payment_methods_page ON billing.payment_methods (org_id, id DESC) WHERE detached_at IS NULL;
CREATE UNIQUE INDEX payment_methods_default ON billing.payment_methods (org_id) WHERE is_default;

CREATE TABLE billing.payments (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    purpose_kind text NOT NULL CHECK (purpose_kind IN ('invoice', 'top_up')),
    purpose_id uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0), -- minor units
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    method_id uuid NOT NULL,
    attempt integer NOT NULL CHECK (attempt > 0), -- of its purpose
    status text NOT NULL CHECK (status IN ('pending', 'requires_action', 'succeeded', 'failed', 'cancelled')),
    stripe_id text UNIQUE CHECK (length(stripe_id) BETWEEN 1 AND 255), -- NULL: Stripe's answer never arrived
    failure_code text CHECK (length(failure_code) BETWEEN 1 AND 100),
    next_check_at timestamptz, -- Stripe is asked again then; NULL: nothing changes any more
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (id, org_id),
    FOREIGN KEY (method_id, org_id) REFERENCES billing.payment_methods (id, org_id),
    CHECK ((status IN ('pending', 'requires_action')) = (next_check_at IS NOT NULL)),
    CHECK ((status = 'failed') = (failure_code IS NOT NULL)),
    CHECK (stripe_id IS NOT NULL OR status NOT IN ('requires_action', 'succeeded'))
);
CREATE INDEX payments_page ON billing.payments (org_id, id DESC);
CREATE INDEX payments_purpose ON billing.payments (org_id, purpose_kind, purpose_id, attempt DESC);
CREATE INDEX payments_check ON billing.payments (next_check_at) WHERE next_check_at IS NOT NULL;
-- What guards every charge: of a purpose one payment is under way or has succeeded, and never two.
CREATE UNIQUE INDEX payments_once ON billing.payments (org_id, purpose_kind, purpose_id)
    WHERE status IN ('pending', 'requires_action', 'succeeded');

CREATE TABLE billing.refunds (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    reason text CHECK (reason IN ('duplicate', 'fraudulent', 'requested_by_customer')), -- NULL: made at Stripe
    status text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed', 'cancelled')),
    stripe_id text UNIQUE CHECK (length(stripe_id) BETWEEN 1 AND 255),
    failure_code text CHECK (length(failure_code) BETWEEN 1 AND 100),
    next_check_at timestamptz,
    created_by uuid, -- of the operator's; NULL: made at Stripe
    request_key text, -- digest of the client's `Idempotency-Key`
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (payment_id, request_key),
    FOREIGN KEY (payment_id, org_id) REFERENCES billing.payments (id, org_id),
    CHECK ((status = 'pending') = (next_check_at IS NOT NULL))
);
CREATE INDEX refunds_payment ON billing.refunds (payment_id, id DESC);
CREATE INDEX refunds_check ON billing.refunds (next_check_at) WHERE next_check_at IS NOT NULL;

CREATE TABLE billing.disputes (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    stripe_id text NOT NULL UNIQUE CHECK (length(stripe_id) BETWEEN 1 AND 255),
    amount bigint NOT NULL CHECK (amount >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    reason text NOT NULL CHECK (length(reason) <= 100),
    status text NOT NULL CHECK (length(status) <= 100), -- Stripe's: `needs_response`, `under_review`, `won`, `lost`, ...
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    FOREIGN KEY (payment_id, org_id) REFERENCES billing.payments (id, org_id)
);
CREATE INDEX disputes_payment ON billing.disputes (payment_id, id DESC);

CREATE TABLE billing.stripe_sessions ( -- pages of Stripe's, and its forms, that somebody was sent to
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES billing.stripe_customers (org_id),
    kind text NOT NULL CHECK (kind IN ('setup_intent', 'checkout', 'portal')),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL
);

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY[
        'stripe_customers', 'payment_methods', 'payments', 'refunds', 'disputes', 'stripe_sessions'
    ] LOOP
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' ENABLE ROW LEVEL SECURITY';
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' FORCE ROW LEVEL SECURITY';
        EXECUTE 'CREATE POLICY tenant ON billing.' || tenant_table
            || ' USING (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)'
            || ' WITH CHECK (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)';
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON billing.stripe_customers, billing.payment_methods, billing.payments, billing.refunds,
    billing.disputes, billing.stripe_sessions TO llmo_billing;
GRANT UPDATE (brand, last4, exp_month, exp_year, is_default, revision, detached_at)
    ON billing.payment_methods TO llmo_billing;
GRANT UPDATE (status, stripe_id, failure_code, next_check_at, updated_at) ON billing.payments TO llmo_billing;
GRANT UPDATE (status, stripe_id, failure_code, next_check_at, updated_at) ON billing.refunds TO llmo_billing;
GRANT UPDATE (amount, status, closed_at) ON billing.disputes TO llmo_billing;


-- Webhook events come without an organization, and of what happened the row has no more than its name: whose it is,
-- the object that is fetched from Stripe says. It is seen where no organization is.

CREATE TABLE billing.stripe_events (
    id text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    type text NOT NULL CHECK (length(type) BETWEEN 1 AND 255),
    object_id text NOT NULL CHECK (length(object_id) BETWEEN 1 AND 255),
    received_at timestamptz NOT NULL,
    processed_at timestamptz,
    expires_at timestamptz NOT NULL -- the relay deletes it then
);
CREATE INDEX stripe_events_expired ON billing.stripe_events (expires_at);
ALTER TABLE billing.stripe_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing.stripe_events FORCE ROW LEVEL SECURITY;
CREATE POLICY nobodys ON billing.stripe_events TO llmo_billing
    USING (nullif(current_setting('app.org_id', true), '') IS NULL)
    WITH CHECK (nullif(current_setting('app.org_id', true), '') IS NULL);
CREATE POLICY relay ON billing.stripe_events TO llmo_relay USING (true) WITH CHECK (false);
GRANT SELECT, INSERT, UPDATE (processed_at) ON billing.stripe_events TO llmo_billing;
GRANT SELECT (expires_at), DELETE ON billing.stripe_events TO llmo_relay;


-- Whoever has an id and no organization yet has to learn whose it is, and no more of it than that.

CREATE VIEW billing.stripe_owners AS
SELECT stripe_id, org_id FROM billing.stripe_customers
UNION ALL
SELECT stripe_id, org_id FROM billing.payment_methods;

CREATE VIEW billing.payment_owners AS
SELECT id AS payment_id, org_id, next_check_at FROM billing.payments;

CREATE VIEW billing.refund_owners AS
SELECT id AS refund_id, org_id, next_check_at FROM billing.refunds;

GRANT USAGE ON SCHEMA billing TO llmo_admission;
GRANT SELECT (stripe_id, org_id) ON billing.stripe_customers, billing.payment_methods TO llmo_admission;
GRANT SELECT (id, org_id, next_check_at) ON billing.payments, billing.refunds TO llmo_admission;
CREATE POLICY owners ON billing.stripe_customers FOR SELECT TO llmo_admission USING (true);
CREATE POLICY owners ON billing.payment_methods FOR SELECT TO llmo_admission USING (true);
CREATE POLICY owners ON billing.payments FOR SELECT TO llmo_admission USING (true);
CREATE POLICY owners ON billing.refunds FOR SELECT TO llmo_admission USING (true);
GRANT SELECT ON billing.stripe_owners, billing.payment_owners, billing.refund_owners TO llmo_billing;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA billing TO llmo_admission;
ALTER VIEW billing.stripe_owners OWNER TO llmo_admission;
ALTER VIEW billing.payment_owners OWNER TO llmo_admission;
ALTER VIEW billing.refund_owners OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA billing FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
