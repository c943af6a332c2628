-- What billing told the gateway of an organization. Each of the three kinds is told in revisions; the highest one counts.

CREATE TABLE integration.billing_terms (
    org_id uuid PRIMARY KEY,
    standing text NOT NULL DEFAULT 'full' CHECK (standing IN ('full', 'restricted', 'suspended')),
    standing_since timestamptz,
    standing_revision bigint NOT NULL DEFAULT 0 CHECK (standing_revision >= 0), -- 0: nothing was told yet
    spend_cap_usd auth.budget_usd, -- NULL: none
    spend_cap_revision bigint NOT NULL DEFAULT 0 CHECK (spend_cap_revision >= 0),
    prepaid_limit_usd auth.budget_usd, -- NULL: not prepaid
    prepaid_since timestamptz,
    prepaid_revision bigint NOT NULL DEFAULT 0 CHECK (prepaid_revision >= 0),
    CHECK (num_nulls(prepaid_limit_usd, prepaid_since) <> 1)
);

ALTER TABLE integration.billing_terms ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration.billing_terms FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON integration.billing_terms
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE ON integration.billing_terms TO llmo_integration;
