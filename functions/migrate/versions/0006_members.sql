-- Members of an organization, invitations to it, and projects that can be changed.

ALTER TABLE auth.memberships ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();

CREATE TABLE auth.invitations (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES auth.organizations,
    token_hash text NOT NULL UNIQUE CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    email text NOT NULL CHECK (length(email) BETWEEN 3 AND 254 AND position('@' IN email) > 1),
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'developer', 'billing', 'viewer')),
    invited_by uuid NOT NULL, -- a user, or an API key
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at)
);

CREATE UNIQUE INDEX invitations_email ON auth.invitations (org_id, lower(email));
CREATE INDEX invitations_expiry ON auth.invitations (expires_at);

ALTER TABLE auth.invitations ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.invitations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON auth.invitations
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);
CREATE POLICY relay ON auth.invitations TO llmo_relay USING (true) WITH CHECK (false);

GRANT SELECT, INSERT, DELETE ON auth.invitations TO llmo_auth;
GRANT SELECT (expires_at), DELETE ON auth.invitations TO llmo_relay;

GRANT UPDATE (role), DELETE ON auth.memberships TO llmo_auth;
GRANT UPDATE (name, monthly_budget_usd) ON auth.projects, auth.organizations TO llmo_auth;


-- A signed-in user may see the names of the organizations that they are a member of.

CREATE POLICY member ON auth.organizations FOR SELECT
    USING (EXISTS (
        SELECT FROM auth.memberships AS membership
        WHERE membership.org_id = organizations.id
            AND membership.user_id = nullif(current_setting('app.user_id', true), '')::uuid
    ));
