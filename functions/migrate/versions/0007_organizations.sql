-- People in no organization, organizations that are closed, and roles of their own.

-- Whoever left their last organization can still sign in, to found one or to join one.
ALTER TABLE auth.sessions ALTER COLUMN org_id DROP NOT NULL;

-- A signed-in person's own requests with an `Idempotency-Key` are kept under their id in place of an organization's.
CREATE POLICY own ON auth.idempotency_keys
    USING (org_id = nullif(current_setting('app.user_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.user_id', true), '')::uuid);


-- Roles that an organization makes of permissions. A member's `role` is one of the five that every organization has,
-- or the name of one of these.

CREATE TABLE auth.roles (
    org_id uuid NOT NULL REFERENCES auth.organizations,
    name text NOT NULL
        CHECK (name ~ '^[a-z][a-z0-9-]{0,39}$' AND name NOT IN ('owner', 'admin', 'developer', 'billing', 'viewer')),
    description text CHECK (length(description) BETWEEN 1 AND 200),
    permissions text[] NOT NULL CHECK (cardinality(permissions) > 0 AND array_position(permissions, NULL) IS NULL),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, name)
);

ALTER TABLE auth.roles ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.roles FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON auth.roles
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);
-- A person who signs in learns what they may do in the organizations that they are in.
CREATE POLICY member ON auth.roles FOR SELECT
    USING (EXISTS (
        SELECT FROM auth.memberships AS membership
        WHERE membership.org_id = roles.org_id
            AND membership.user_id = nullif(current_setting('app.user_id', true), '')::uuid
    ));

GRANT SELECT, INSERT, DELETE ON auth.roles TO llmo_auth;
GRANT UPDATE (description, permissions) ON auth.roles TO llmo_auth;

ALTER TABLE auth.memberships DROP CONSTRAINT memberships_role_check;
ALTER TABLE auth.memberships ADD COLUMN custom_role text GENERATED ALWAYS AS (
    CASE WHEN role IN ('owner', 'admin', 'developer', 'billing', 'viewer') THEN NULL ELSE role END
) STORED;
ALTER TABLE auth.memberships ADD FOREIGN KEY (org_id, custom_role) REFERENCES auth.roles (org_id, name);
CREATE INDEX memberships_custom_role ON auth.memberships (org_id, custom_role) WHERE custom_role IS NOT NULL;

ALTER TABLE auth.invitations DROP CONSTRAINT invitations_role_check;
ALTER TABLE auth.invitations ADD COLUMN custom_role text GENERATED ALWAYS AS (
    CASE WHEN role IN ('owner', 'admin', 'developer', 'billing', 'viewer') THEN NULL ELSE role END
) STORED;
ALTER TABLE auth.invitations ADD FOREIGN KEY (org_id, custom_role) REFERENCES auth.roles (org_id, name);
CREATE INDEX invitations_custom_role ON auth.invitations (org_id, custom_role) WHERE custom_role IS NOT NULL;


-- A closed organization keeps its rows, for its invoices and its audit log, and admits nobody.

ALTER TABLE auth.organizations ADD COLUMN closed_at timestamptz;
GRANT UPDATE (closed_at) ON auth.organizations TO llmo_auth;

GRANT UPDATE (name) ON auth.users TO llmo_auth;


-- What the authorizer may know of a session: one row for each organization of its person, or one without any.

GRANT SELECT (org_id, name, permissions) ON auth.roles TO llmo_admission;
GRANT SELECT (closed_at) ON auth.organizations TO llmo_admission;
CREATE POLICY admission ON auth.roles FOR SELECT TO llmo_admission USING (true);

GRANT llmo_admission TO CURRENT_USER;
CREATE OR REPLACE VIEW auth.admission_sessions AS
SELECT
    session.id AS session_id,
    session.user_id,
    membership.org_id,
    membership.role,
    session.expires_at,
    session.revoked_at,
    role.permissions AS role_permissions
FROM auth.sessions AS session
LEFT JOIN (
    auth.memberships AS membership
    JOIN auth.organizations AS organization ON organization.id = membership.org_id AND organization.closed_at IS NULL
) ON membership.user_id = session.user_id
LEFT JOIN auth.roles AS role ON role.org_id = membership.org_id AND role.name = membership.role;
REVOKE llmo_admission FROM CURRENT_USER;
