-- What organizations want to spend, of what they want to be told, and what those may spend that pay in advance.

CREATE TABLE billing.spend_caps (
    org_id uuid PRIMARY KEY,
    limit_usd numeric(20, 12) CHECK (limit_usd BETWEEN 0 AND 9000000), -- NULL: none
    revision integer NOT NULL DEFAULT 1 CHECK (revision > 0),
    updated_by uuid,
    updated_at timestamptz
);

CREATE TABLE billing.alerts (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    kind text NOT NULL CHECK (kind IN ('spend', 'projected', 'usage', 'credit_balance')),
    currency text CHECK (currency ~ '^[A-Z]{3}$'), -- of amounts of money
    meter text,
    wallet_id uuid REFERENCES billing.wallets (id),
    limit_value numeric CHECK (limit_value > 0), -- minor units, or units of the meter
    percentages integer[] NOT NULL,
    thresholds numeric[] NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    looked_at timestamptz NOT NULL,
    removed_at timestamptz,
    UNIQUE (id, org_id),
    CHECK ((kind = 'usage') = (currency IS NULL)),
    CHECK ((kind = 'usage') = (meter IS NOT NULL)),
    CHECK ((kind = 'credit_balance') = (wallet_id IS NOT NULL))
);
CREATE INDEX alerts_page ON billing.alerts (org_id, id DESC) WHERE removed_at IS NULL;
CREATE INDEX alerts_looked_at ON billing.alerts (looked_at) WHERE removed_at IS NULL;

-- Once for each period and threshold; that of a balance again when it has been above meanwhile.
CREATE TABLE billing.alert_crossings (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    alert_id uuid NOT NULL,
    period_start timestamptz NOT NULL,
    period_end timestamptz,
    threshold numeric NOT NULL,
    percent integer,
    value numeric NOT NULL,
    crossed_at timestamptz NOT NULL,
    recovered_at timestamptz,
    FOREIGN KEY (alert_id, org_id) REFERENCES billing.alerts (id, org_id)
);
CREATE UNIQUE INDEX alert_crossings_once ON billing.alert_crossings (alert_id, period_start, threshold)
    WHERE recovered_at IS NULL;
CREATE INDEX alert_crossings_page ON billing.alert_crossings (alert_id, id DESC);

-- Who pays in advance: what calls cost since then is counted with the usage itself.
CREATE TABLE billing.prepaid (
    org_id uuid PRIMARY KEY,
    since timestamptz, -- NULL: they do not
    counted_usd numeric NOT NULL DEFAULT 0 CHECK (counted_usd >= 0),
    limit_usd numeric(20, 12) CHECK (limit_usd BETWEEN 0 AND 9000000), -- as announced
    announced integer NOT NULL DEFAULT 0 CHECK (announced >= 0),
    revision integer NOT NULL DEFAULT 1 CHECK (revision > 0),
    looked_at timestamptz,
    CHECK (since IS NOT NULL OR limit_usd IS NULL)
);
CREATE INDEX prepaid_looked_at ON billing.prepaid (looked_at) WHERE since IS NOT NULL;

-- Who has used something, or has another balance or subscription, and has alerts or pays in advance. Rows are only added and deleted, so
-- that whoever adds one waits for nobody.
CREATE TABLE billing.changed_spending (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id uuid NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX changed_spending_org ON billing.changed_spending (org_id);

CREATE FUNCTION billing.note_changed_spending() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whose uuid := nullif(current_setting('app.org_id', true), '')::uuid;
BEGIN
    IF whose IS NOT NULL AND (
        EXISTS (SELECT FROM billing.alerts WHERE org_id = whose AND removed_at IS NULL)
        OR EXISTS (SELECT FROM billing.prepaid WHERE org_id = whose AND since IS NOT NULL)
    ) THEN
        INSERT INTO billing.changed_spending (org_id) VALUES (whose);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER spending AFTER INSERT ON billing.usage_counts -- also where it updates on conflict
    FOR EACH STATEMENT EXECUTE FUNCTION billing.note_changed_spending();
CREATE TRIGGER spending AFTER INSERT ON billing.usage_values
    FOR EACH STATEMENT EXECUTE FUNCTION billing.note_changed_spending();
CREATE TRIGGER spending AFTER INSERT OR UPDATE ON billing.grants
    FOR EACH STATEMENT EXECUTE FUNCTION billing.note_changed_spending();
CREATE TRIGGER spending AFTER INSERT OR UPDATE ON billing.subscriptions
    FOR EACH STATEMENT EXECUTE FUNCTION billing.note_changed_spending();
CREATE TRIGGER spending AFTER INSERT OR UPDATE OF limit_value, percentages, thresholds ON billing.alerts
    FOR EACH STATEMENT EXECUTE FUNCTION billing.note_changed_spending();


DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['spend_caps', 'alerts', 'alert_crossings', 'prepaid', 'changed_spending'] LOOP
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' ENABLE ROW LEVEL SECURITY';
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' FORCE ROW LEVEL SECURITY';
        EXECUTE 'CREATE POLICY tenant ON billing.' || tenant_table
            || ' USING (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)'
            || ' WITH CHECK (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)';
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON billing.spend_caps, billing.alerts, billing.alert_crossings, billing.prepaid,
    billing.changed_spending TO llmo_billing;
GRANT UPDATE (since, counted_usd, limit_usd, announced, revision, looked_at) ON billing.prepaid TO llmo_billing;
GRANT UPDATE (limit_usd, revision, updated_by, updated_at) ON billing.spend_caps TO llmo_billing;
GRANT UPDATE (name, limit_value, percentages, thresholds, revision, updated_at, looked_at, removed_at) ON billing.alerts
    TO llmo_billing;
GRANT UPDATE (recovered_at) ON billing.alert_crossings TO llmo_billing;
GRANT DELETE ON billing.changed_spending TO llmo_billing;


-- Whose spending is to be looked at: something has changed, or only the time has, as when credit expires.

CREATE VIEW billing.spending_to_look_at AS
SELECT org_id, changed_at AS since FROM billing.changed_spending
UNION ALL
SELECT org_id, looked_at + interval '1 hour' AS since FROM billing.alerts WHERE removed_at IS NULL
UNION ALL
SELECT org_id, looked_at + interval '5 minutes' AS since FROM billing.prepaid
WHERE prepaid.since IS NOT NULL AND looked_at IS NOT NULL;

GRANT SELECT (org_id, changed_at) ON billing.changed_spending TO llmo_admission;
GRANT SELECT (org_id, looked_at, removed_at) ON billing.alerts TO llmo_admission;
GRANT SELECT (org_id, looked_at, since) ON billing.prepaid TO llmo_admission;
CREATE POLICY spending_to_look_at ON billing.changed_spending FOR SELECT TO llmo_admission USING (true);
CREATE POLICY spending_to_look_at ON billing.alerts FOR SELECT TO llmo_admission USING (true);
CREATE POLICY spending_to_look_at ON billing.prepaid FOR SELECT TO llmo_admission USING (true);
GRANT SELECT ON billing.spending_to_look_at TO llmo_billing;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA billing TO llmo_admission;
ALTER VIEW billing.spending_to_look_at OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA billing FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
