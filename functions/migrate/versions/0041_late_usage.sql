-- What comes late for the last period of a subscription has no next invoice: it is a claim of its own.

ALTER TABLE billing.invoiced_claims DROP CONSTRAINT invoiced_claims_kind_check;
ALTER TABLE billing.invoiced_claims ADD CONSTRAINT invoiced_claims_kind_check
    CHECK (kind IN ('advance', 'change', 'usage', 'late'));
