-- Who is billed (accounts), and by which plan since when (subscriptions and their phases).

CREATE TABLE billing.accounts (
    org_id uuid PRIMARY KEY,
    name text CHECK (length(name) BETWEEN 1 AND 200),
    email text CHECK (length(email) <= 254),
    address jsonb CHECK (jsonb_typeof(address) = 'object'), -- billing.accounts.models.Address
    tax_ids jsonb NOT NULL CHECK (jsonb_typeof(tax_ids) = 'array'), -- billing.accounts.models.TaxId
    time_zone text NOT NULL CHECK (length(time_zone) BETWEEN 1 AND 100),
    locale text NOT NULL CHECK (length(locale) BETWEEN 2 AND 20),
    taxation jsonb NOT NULL CHECK (jsonb_typeof(taxation) = 'object'), -- billing.taxes.Taxation, set by the operator
    revision integer NOT NULL CHECK (revision > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);


-- What is known of a subscription: its state follows from this and the time.

CREATE TABLE billing.subscriptions (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    time_zone text NOT NULL CHECK (length(time_zone) BETWEEN 1 AND 100), -- the account's when it started
    starts_on date NOT NULL,
    trial_days integer NOT NULL CHECK (trial_days BETWEEN 0 AND 730),
    pending_plan_id uuid, -- a change that comes into force on a day
    pending_version integer,
    pending_seats integer CHECK (pending_seats BETWEEN 1 AND 1000000),
    pending_on date,
    cancel_on date, -- the first day that it is not had any more
    cancel_reason text CHECK (length(cancel_reason) BETWEEN 1 AND 500),
    pause_on date, -- the first day of a pause; NULL: there is none
    ended_on date, -- the first day that it was not had any more
    ended_at timestamptz, -- NULL: it is live
    as_of timestamptz NOT NULL, -- what the dates had brought until then is in these columns, and was announced
    turns_at timestamptz, -- when a date brings the next thing; NULL: none does
    revision integer NOT NULL CHECK (revision > 0),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (id, org_id),
    CHECK (num_nulls(pending_plan_id, pending_version, pending_seats, pending_on) IN (0, 4)),
    CHECK ((ended_on IS NULL) = (ended_at IS NULL)),
    CHECK (ended_at IS NULL OR num_nonnulls(pending_on, cancel_on, pause_on, turns_at) = 0),
    FOREIGN KEY (pending_plan_id, pending_version) REFERENCES billing.plan_versions (plan_id, number)
);
CREATE UNIQUE INDEX subscriptions_live ON billing.subscriptions (org_id) WHERE ended_at IS NULL;
CREATE INDEX subscriptions_page ON billing.subscriptions (org_id, id DESC);
CREATE INDEX subscriptions_turning ON billing.subscriptions (turns_at) WHERE turns_at IS NOT NULL;


-- Which terms were had on which days. A phase never changes, but that it ends once.

CREATE TABLE billing.subscription_phases (
    org_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    plan_id uuid NOT NULL,
    version integer NOT NULL,
    seats integer NOT NULL CHECK (seats BETWEEN 1 AND 1000000),
    from_on date NOT NULL,
    until_on date CHECK (until_on >= from_on), -- the first day after it; NULL: it is the present one
    begins_at timestamptz NOT NULL, -- when it came into force
    ends_at timestamptz CHECK (ends_at >= begins_at), -- when it was in force no more
    cycle_starts_on date NOT NULL, -- the day that its periods are counted from
    PRIMARY KEY (subscription_id, number),
    CHECK ((until_on IS NULL) = (ends_at IS NULL)),
    FOREIGN KEY (subscription_id, org_id) REFERENCES billing.subscriptions (id, org_id),
    FOREIGN KEY (plan_id, version) REFERENCES billing.plan_versions (plan_id, number)
);
CREATE UNIQUE INDEX subscription_phases_present ON billing.subscription_phases (subscription_id)
    WHERE until_on IS NULL;


DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['accounts', 'subscriptions', 'subscription_phases'] LOOP
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' ENABLE ROW LEVEL SECURITY';
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' FORCE ROW LEVEL SECURITY';
        EXECUTE 'CREATE POLICY tenant ON billing.' || tenant_table
            || ' USING (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)'
            || ' WITH CHECK (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)';
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON billing.accounts, billing.subscriptions, billing.subscription_phases TO llmo_billing;
GRANT UPDATE (name, email, address, tax_ids, time_zone, locale, taxation, revision, updated_at) ON billing.accounts
    TO llmo_billing;
GRANT UPDATE (pending_plan_id, pending_version, pending_seats, pending_on, cancel_on, cancel_reason, pause_on, ended_on,
    ended_at, as_of, turns_at, revision) ON billing.subscriptions TO llmo_billing;
GRANT UPDATE (until_on, ends_at) ON billing.subscription_phases TO llmo_billing;


-- The schedule has to know which organizations' subscriptions a date has brought something to, and no more of them.

CREATE VIEW billing.turning_subscriptions AS
SELECT id, org_id, turns_at FROM billing.subscriptions WHERE turns_at IS NOT NULL;

GRANT USAGE ON SCHEMA billing TO llmo_admission;
GRANT SELECT (id, org_id, turns_at) ON billing.subscriptions TO llmo_admission;
CREATE POLICY turning_subscriptions ON billing.subscriptions FOR SELECT TO llmo_admission USING (true);
GRANT SELECT ON billing.turning_subscriptions TO llmo_billing;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA billing TO llmo_admission;
ALTER VIEW billing.turning_subscriptions OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA billing FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
