-- Whose an API key is, where it may be used from, and which one it replaces.

ALTER TABLE auth.api_keys ADD COLUMN user_id uuid REFERENCES auth.users; -- a member's own: it ends with the membership
ALTER TABLE auth.api_keys ADD COLUMN allowed_cidrs cidr[]
    CHECK (cardinality(allowed_cidrs) > 0 AND array_position(allowed_cidrs, NULL) IS NULL);
ALTER TABLE auth.api_keys ADD COLUMN replaces uuid REFERENCES auth.api_keys;

UPDATE auth.api_keys AS api_key SET user_id = membership.user_id
FROM auth.memberships AS membership
WHERE membership.org_id = api_key.org_id AND membership.user_id = api_key.created_by;

CREATE INDEX api_keys_user ON auth.api_keys (org_id, user_id) WHERE revoked_at IS NULL;

GRANT UPDATE (expires_at, permissions) ON auth.api_keys TO llmo_auth;


-- The published contract. A closed organization's keys are as good as revoked.

GRANT SELECT (allowed_cidrs) ON auth.api_keys TO llmo_admission;

GRANT llmo_admission TO CURRENT_USER;
CREATE OR REPLACE VIEW auth.admission_keys AS
SELECT
    api_key.key_hash,
    api_key.id AS key_id,
    api_key.org_id,
    organization.org_ref,
    api_key.project_id,
    api_key.permissions,
    api_key.requests_per_minute,
    api_key.tokens_per_minute,
    api_key.allowed_models,
    api_key.monthly_budget_usd AS key_budget_usd,
    project.monthly_budget_usd AS project_budget_usd,
    organization.monthly_budget_usd AS org_budget_usd,
    api_key.expires_at,
    coalesce(api_key.revoked_at, organization.closed_at) AS revoked_at,
    api_key.allowed_cidrs::text[] AS allowed_cidrs
FROM auth.api_keys AS api_key
JOIN auth.projects AS project ON project.id = api_key.project_id
JOIN auth.organizations AS organization ON organization.id = api_key.org_id;
REVOKE llmo_admission FROM CURRENT_USER;
