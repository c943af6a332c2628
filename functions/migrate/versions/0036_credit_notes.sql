-- Credit notes: what of an invoice is not owed after all. One is never changed: the next one says more.

ALTER TABLE billing.invoices
    ADD COLUMN amount_credited bigint NOT NULL DEFAULT 0, -- by all of its credit notes
    ADD COLUMN amount_deducted bigint NOT NULL DEFAULT 0 CHECK (amount_deducted >= 0), -- so much of that was still to pay
    ADD CHECK (amount_credited BETWEEN amount_deducted AND greatest(total, 0)),
    ADD CHECK (amount_paid + amount_deducted <= amount_due);
GRANT UPDATE (amount_credited, amount_deducted) ON billing.invoices TO llmo_billing;

ALTER TABLE billing.grants DROP CONSTRAINT grants_source_check;
ALTER TABLE billing.grants ADD CONSTRAINT grants_source_check
    CHECK (source IN ('top_up', 'promotion', 'overpayment', 'restored', 'credit_note'));
CREATE INDEX grants_reference ON billing.grants (org_id, reference);

CREATE TABLE billing.credit_note_numbers (
    org_id uuid PRIMARY KEY,
    last integer NOT NULL CHECK (last > 0)
);

CREATE TABLE billing.credit_notes (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    sequence integer NOT NULL CHECK (sequence > 0),
    number text NOT NULL UNIQUE CHECK (length(number) BETWEEN 1 AND 60),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 40), -- billing.credit_notes.models.NoteReason
    memo text NOT NULL CHECK (length(memo) <= 500),
    outcome text NOT NULL CHECK (outcome IN ('credit', 'refund')),
    lines jsonb NOT NULL CHECK (jsonb_typeof(lines) = 'array'), -- billing.credit_notes.models.NoteLine
    total bigint NOT NULL CHECK (total > 0), -- minor units, with taxes
    amount_deducted bigint NOT NULL CHECK (amount_deducted >= 0), -- of what was still to pay
    amount_returned bigint NOT NULL CHECK (amount_returned >= 0), -- went back before there was this note
    amount_refunded bigint NOT NULL CHECK (amount_refunded >= 0),
    amount_granted bigint NOT NULL CHECK (amount_granted >= 0), -- as credit
    restored jsonb NOT NULL CHECK (jsonb_typeof(restored) = 'array'), -- that part of it which credit had paid, by grant
    refund_id uuid REFERENCES billing.refunds (id),
    issuer jsonb, -- billing.invoices.models.Party
    customer jsonb,
    request_key text, -- digest of the key under which it was asked for
    request_hash text NOT NULL, -- digest of what was asked for
    created_by uuid, -- of the operator's; NULL: by itself
    issued_at timestamptz NOT NULL,
    UNIQUE (org_id, sequence),
    UNIQUE (invoice_id, request_key),
    CHECK (amount_deducted + amount_returned + amount_refunded + amount_granted = total),
    CHECK ((refund_id IS NULL) = (amount_refunded = 0)),
    FOREIGN KEY (invoice_id, org_id) REFERENCES billing.invoices (id, org_id)
);
CREATE INDEX credit_notes_page ON billing.credit_notes (org_id, id DESC);
CREATE INDEX credit_notes_invoice ON billing.credit_notes (invoice_id, id DESC);

-- However many are issued at once: together they never come to more than their invoice, which is finalized and stands.
CREATE FUNCTION billing.require_creditable() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    invoice record;
    credited bigint;
BEGIN
    SELECT status, currency, total INTO invoice FROM billing.invoices WHERE id = NEW.invoice_id FOR UPDATE;
    SELECT coalesce(sum(total), 0) INTO credited FROM billing.credit_notes WHERE invoice_id = NEW.invoice_id;
    IF invoice.status IN ('draft', 'void') OR invoice.currency <> NEW.currency
        OR credited + NEW.total > invoice.total THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'a credit note is of no more than was invoiced';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER creditable BEFORE INSERT ON billing.credit_notes
    FOR EACH ROW EXECUTE FUNCTION billing.require_creditable();

CREATE FUNCTION billing.refuse_other_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'restrict_violation', MESSAGE = 'a credit note does not change';
END
$$;
CREATE TRIGGER lasting BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.credit_notes
    FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_other_note();


DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['credit_note_numbers', 'credit_notes'] LOOP
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' ENABLE ROW LEVEL SECURITY';
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' FORCE ROW LEVEL SECURITY';
        EXECUTE 'CREATE POLICY tenant ON billing.' || tenant_table
            || ' USING (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)'
            || ' WITH CHECK (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)';
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON billing.credit_note_numbers, billing.credit_notes TO llmo_billing;
GRANT UPDATE (last) ON billing.credit_note_numbers TO llmo_billing;
