-- The invoice run has to know which organizations' invoices nobody paid in time, and nobody does anything about yet.

ALTER TABLE billing.invoices ADD COLUMN overdue_at timestamptz; -- when it was announced that nobody paid it in time
GRANT UPDATE (overdue_at) ON billing.invoices TO llmo_billing;
CREATE INDEX invoices_due ON billing.invoices (due_at) WHERE status = 'finalized' AND overdue_at IS NULL;

GRANT SELECT (due_at, overdue_at, amount_due, amount_paid, amount_deducted) ON billing.invoices TO llmo_admission;
GRANT SELECT (invoice_id) ON billing.dunnings TO llmo_admission;
CREATE POLICY overdue_invoices ON billing.dunnings FOR SELECT TO llmo_admission USING (true);

CREATE VIEW billing.overdue_invoices AS
SELECT invoice.org_id, invoice.id AS invoice_id, invoice.due_at
FROM billing.invoices AS invoice
WHERE invoice.status = 'finalized' AND invoice.overdue_at IS NULL
    AND invoice.amount_due > invoice.amount_paid + invoice.amount_deducted AND NOT EXISTS (SELECT FROM billing.dunnings AS dunning WHERE dunning.invoice_id = invoice.id);
GRANT SELECT ON billing.overdue_invoices TO llmo_billing;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA billing TO llmo_admission;
ALTER VIEW billing.overdue_invoices OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA billing FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
