-- What recurs of finalized invoices: fees and seats, by how long they count.

CREATE TABLE billing.recurring_amounts (
    invoice_id uuid NOT NULL,
    position smallint NOT NULL CHECK (position >= 0),
    org_id uuid NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    net bigint NOT NULL CHECK (net <> 0), -- minor units of a whole period; negative: not had any more
    months smallint NOT NULL CHECK (months > 0), -- of a period
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    PRIMARY KEY (invoice_id, position),
    FOREIGN KEY (invoice_id, org_id) REFERENCES billing.invoices (id, org_id)
);
CREATE INDEX recurring_amounts_time ON billing.recurring_amounts (ends_at, starts_at);
CREATE INDEX recurring_amounts_organization ON billing.recurring_amounts (org_id, currency, starts_at);

ALTER TABLE billing.recurring_amounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing.recurring_amounts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON billing.recurring_amounts
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);
GRANT SELECT, INSERT ON billing.recurring_amounts TO llmo_billing;

GRANT SELECT ON billing.recurring_amounts, billing.ledger_transactions, billing.ledger_entries TO llmo_admission;
CREATE POLICY revenue ON billing.recurring_amounts FOR SELECT TO llmo_admission USING (true);
CREATE POLICY revenue ON billing.ledger_transactions FOR SELECT TO llmo_admission USING (true);
CREATE POLICY revenue ON billing.ledger_entries FOR SELECT TO llmo_admission USING (true);


-- The operator is told what comes of all organizations together, and the service sees no more than that of them.
-- Months are those of UTC, by their first day; the last one ends now.

CREATE FUNCTION billing.recurring_by_month(wanted date[], at timestamptz) RETURNS TABLE (
    month date, currency text, customers bigint, new_customers bigint, reactivated_customers bigint,
    churned_customers bigint, recurring bigint, new bigint, reactivated bigint, expanded bigint, contracted bigint,
    churned bigint
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH boundaries AS (
        SELECT first AS month, first::timestamp AT TIME ZONE 'UTC' AS starts,
            least((first + interval '1 month') AT TIME ZONE 'UTC', at) AS ends
        FROM unnest(wanted) AS first
    ),
    moments AS (SELECT starts AS moment FROM boundaries UNION SELECT ends FROM boundaries),
    -- What recurs of each organization just before each of these moments: what ends with one is not over yet.
    known AS (
        SELECT moments.moment, amount.org_id, amount.currency,
            greatest(round(sum(amount.net::numeric / amount.months)), 0)::bigint AS recurring
        FROM moments
        JOIN billing.recurring_amounts AS amount
            ON amount.starts_at < moments.moment AND amount.ends_at >= moments.moment
        JOIN billing.invoices AS invoice ON invoice.id = amount.invoice_id AND invoice.status <> 'void'
        GROUP BY moments.moment, amount.org_id, amount.currency
    ),
    changes AS (
        SELECT boundaries.month, boundaries.starts, organization.org_id, organization.currency,
            coalesce(before.recurring, 0) AS before, coalesce(after.recurring, 0) AS after
        FROM boundaries
        CROSS JOIN (SELECT DISTINCT org_id, currency FROM known) AS organization
        LEFT JOIN known AS before ON before.moment = boundaries.starts
            AND before.org_id = organization.org_id AND before.currency = organization.currency
        LEFT JOIN known AS after ON after.moment = boundaries.ends
            AND after.org_id = organization.org_id AND after.currency = organization.currency
    ),
    told AS (
        SELECT *, before = 0 AND after > 0 AND EXISTS (
            SELECT FROM billing.recurring_amounts AS earlier
            JOIN billing.invoices AS invoice ON invoice.id = earlier.invoice_id AND invoice.status <> 'void'
            WHERE earlier.org_id = changes.org_id AND earlier.currency = changes.currency
                AND earlier.net > 0 AND earlier.starts_at < changes.starts
        ) AS back
        FROM changes WHERE before > 0 OR after > 0
    )
    SELECT told.month, told.currency,
        count(*) FILTER (WHERE after > 0),
        count(*) FILTER (WHERE before = 0 AND NOT back),
        count(*) FILTER (WHERE back),
        count(*) FILTER (WHERE after = 0),
        coalesce(sum(after), 0)::bigint,
        coalesce(sum(after) FILTER (WHERE before = 0 AND NOT back), 0)::bigint,
        coalesce(sum(after) FILTER (WHERE back), 0)::bigint,
        coalesce(sum(after - before) FILTER (WHERE before > 0 AND after > before), 0)::bigint,
        coalesce(sum(before - after) FILTER (WHERE after > 0 AND after < before), 0)::bigint,
        coalesce(sum(before) FILTER (WHERE after = 0), 0)::bigint
    FROM told
    GROUP BY told.month, told.currency
$$;

CREATE FUNCTION billing.ledger_by_month(wanted date[], at timestamptz) RETURNS TABLE (
    month date, currency text, kind text, account text, until_then bigint, in_month bigint
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH sums AS (
        SELECT date_trunc('month', booked.booked_at AT TIME ZONE 'UTC')::date AS month, booked.currency, booked.kind,
            entry.account, sum(entry.amount) AS amount
        FROM billing.ledger_transactions AS booked
        JOIN billing.ledger_entries AS entry ON entry.transaction_id = booked.id
        WHERE booked.booked_at <= at
        GROUP BY 1, 2, 3, 4
    )
    SELECT first, sums.currency, sums.kind, sums.account, sum(sums.amount)::bigint,
        coalesce(sum(sums.amount) FILTER (WHERE sums.month = first), 0)::bigint
    FROM unnest(wanted) AS first
    JOIN sums ON sums.month <= first
    GROUP BY first, sums.currency, sums.kind, sums.account
$$;

REVOKE EXECUTE ON FUNCTION billing.recurring_by_month(date[], timestamptz) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION billing.ledger_by_month(date[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION billing.recurring_by_month(date[], timestamptz) TO llmo_billing;
GRANT EXECUTE ON FUNCTION billing.ledger_by_month(date[], timestamptz) TO llmo_billing;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA billing TO llmo_admission;
ALTER FUNCTION billing.recurring_by_month(date[], timestamptz) OWNER TO llmo_admission;
ALTER FUNCTION billing.ledger_by_month(date[], timestamptz) OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA billing FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
