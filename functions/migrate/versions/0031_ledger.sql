-- The ledger: every amount is booked twice, in transactions that add up to nothing and never change. A debit is
-- positive, a credit negative; amounts are minor units of the transaction's currency.

CREATE TABLE billing.ledger_transactions (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind ~ '^[a-z_]{1,40}$'), -- billing.ledger.bookings.Kind
    reference uuid NOT NULL, -- the invoice, payment, grant and so on that is booked
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    entries smallint NOT NULL CHECK (entries > 1), -- how many it has
    booked_at timestamptz NOT NULL,
    UNIQUE (org_id, kind, reference), -- nothing is booked twice
    UNIQUE (id, org_id, currency)
);
CREATE INDEX ledger_transactions_page ON billing.ledger_transactions (org_id, id DESC);

CREATE TABLE billing.ledger_entries (
    transaction_id uuid NOT NULL,
    position smallint NOT NULL CHECK (position > 0),
    org_id uuid NOT NULL,
    currency text NOT NULL,
    account text NOT NULL CHECK (account ~ '^[a-z_]{1,40}$'), -- billing.ledger.bookings.Account
    subject uuid, -- the grant of `credit`, the invoice of `receivable`; none of others
    amount bigint NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (transaction_id, position),
    FOREIGN KEY (transaction_id, org_id, currency) REFERENCES billing.ledger_transactions (id, org_id, currency)
);
CREATE INDEX ledger_entries_account ON billing.ledger_entries (org_id, account, subject);

CREATE FUNCTION billing.require_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    booked record;
BEGIN
    SELECT count(*) AS entries, sum(amount) AS amount INTO booked
    FROM billing.ledger_entries WHERE transaction_id = NEW.id;
    IF booked.entries <> NEW.entries OR booked.amount <> 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'ledger transaction ' || NEW.id || ' has '
            || booked.entries || ' entries that add up to ' || coalesce(booked.amount, 0);
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON billing.ledger_transactions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing.require_balance();

-- An entry that comes later would not be looked at by that trigger: it is refused.
CREATE FUNCTION billing.require_new_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.position > (SELECT entries FROM billing.ledger_transactions WHERE id = NEW.transaction_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation',
            MESSAGE = 'ledger transaction ' || NEW.transaction_id || ' is complete';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER complete BEFORE INSERT ON billing.ledger_entries
    FOR EACH ROW EXECUTE FUNCTION billing.require_new_transaction();

CREATE FUNCTION billing.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'restrict_violation', MESSAGE = 'the ledger does not change: book the opposite';
END
$$;
CREATE TRIGGER lasting BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.ledger_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_change();
CREATE TRIGGER lasting BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_change();


-- Wallets: prepaid credit, one of each currency. What is left of a grant is what the ledger says of it, with a sign.

CREATE TABLE billing.wallets (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    low_balance bigint CHECK (low_balance > 0), -- NULL: nobody is told
    top_up_below bigint CHECK (top_up_below > 0), -- NULL: not by itself
    top_up_amount bigint CHECK (top_up_amount > 0),
    revision integer NOT NULL CHECK (revision > 0),
    created_at timestamptz NOT NULL,
    UNIQUE (org_id, currency),
    UNIQUE (id, org_id, currency),
    CHECK ((top_up_below IS NULL) = (top_up_amount IS NULL))
);
CREATE INDEX wallets_page ON billing.wallets (org_id, id DESC);

CREATE TABLE billing.grants (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    wallet_id uuid NOT NULL,
    currency text NOT NULL,
    source text NOT NULL CHECK (source IN ('top_up', 'promotion', 'overpayment', 'restored')),
    reference uuid NOT NULL, -- the top-up or the invoice it came of; itself for a promotion
    reason text NOT NULL CHECK (length(reason) <= 500),
    amount bigint NOT NULL CHECK (amount > 0),
    remaining bigint NOT NULL CHECK (remaining BETWEEN 0 AND amount),
    priority smallint NOT NULL CHECK (priority BETWEEN 1 AND 100), -- 1 is spent first
    expires_at timestamptz,
    created_at timestamptz NOT NULL,
    FOREIGN KEY (wallet_id, org_id, currency) REFERENCES billing.wallets (id, org_id, currency)
);
CREATE INDEX grants_page ON billing.grants (org_id, wallet_id, id DESC);
CREATE INDEX grants_left ON billing.grants (org_id, wallet_id, priority, expires_at, id) WHERE remaining > 0;
CREATE INDEX grants_expiring ON billing.grants (expires_at) WHERE remaining > 0;

CREATE TABLE billing.top_ups (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    wallet_id uuid NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    automatic boolean NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    failure text CHECK (length(failure) <= 500),
    created_by uuid, -- NULL: automatic
    created_at timestamptz NOT NULL,
    settled_at timestamptz,
    CHECK ((status = 'pending') = (settled_at IS NULL)),
    FOREIGN KEY (wallet_id, org_id, currency) REFERENCES billing.wallets (id, org_id, currency)
);
CREATE INDEX top_ups_page ON billing.top_ups (org_id, wallet_id, id DESC);
-- However many look at a low balance at once, one of them tops it up.
CREATE UNIQUE INDEX top_ups_automatic ON billing.top_ups (wallet_id) WHERE automatic AND status = 'pending';


DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['ledger_transactions', 'ledger_entries', 'wallets', 'grants', 'top_ups'] LOOP
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' ENABLE ROW LEVEL SECURITY';
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' FORCE ROW LEVEL SECURITY';
        EXECUTE 'CREATE POLICY tenant ON billing.' || tenant_table
            || ' USING (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)'
            || ' WITH CHECK (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)';
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON billing.ledger_transactions, billing.ledger_entries, billing.wallets, billing.grants,
    billing.top_ups TO llmo_billing;
GRANT UPDATE (name, low_balance, top_up_below, top_up_amount, revision) ON billing.wallets TO llmo_billing;
GRANT UPDATE (remaining) ON billing.grants TO llmo_billing;
GRANT UPDATE (status, failure, settled_at) ON billing.top_ups TO llmo_billing;

-- Credit expires for all organizations at once: that has to know where, and no more of grants than that.

CREATE VIEW billing.expiring_credit AS
SELECT org_id, currency, expires_at FROM billing.grants WHERE remaining > 0 AND expires_at IS NOT NULL;

GRANT USAGE ON SCHEMA billing TO llmo_admission;
GRANT SELECT (org_id, currency, remaining, expires_at) ON billing.grants TO llmo_admission;
CREATE POLICY expiring_credit ON billing.grants FOR SELECT TO llmo_admission USING (true);
GRANT SELECT ON billing.expiring_credit TO llmo_billing;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA billing TO llmo_admission;
ALTER VIEW billing.expiring_credit OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA billing FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
