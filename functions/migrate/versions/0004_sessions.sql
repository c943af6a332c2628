-- Signing in: sessions with their refresh tokens, and the public halves of the keys that sign access tokens.
--
-- Sessions and tokens belong to a person, not to an organization: a transaction names the person in `app.user_id`.
-- Whoever shows a refresh token is not known yet: a transaction that names its hash in `app.credential` may read that
-- one row, and learns from it whose it is.

CREATE TABLE auth.sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES auth.users,
    org_id uuid NOT NULL REFERENCES auth.organizations, -- what the session's tokens are for; it can be changed
    created_at timestamptz NOT NULL,
    authenticated_at timestamptz NOT NULL, -- when the person last proved who they are
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at), -- however often it is used
    revoked_at timestamptz,
    ip inet,
    user_agent text CHECK (length(user_agent) <= 300),
    UNIQUE (id, user_id)
);

CREATE INDEX sessions_user ON auth.sessions (user_id, id DESC);
CREATE INDEX sessions_expiry ON auth.sessions (expires_at);

CREATE TABLE auth.refresh_tokens (
    token_hash text PRIMARY KEY CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    session_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at), -- unless it is used before
    used_at timestamptz,
    successor bytea, -- the token that replaced it, sealed under this one's text
    CHECK ((used_at IS NULL) = (successor IS NULL)),
    FOREIGN KEY (session_id, user_id) REFERENCES auth.sessions (id, user_id) ON DELETE CASCADE
);

CREATE INDEX refresh_tokens_session ON auth.refresh_tokens (session_id);

-- No secret in it: the private halves are in Secrets Manager.
CREATE TABLE auth.signing_keys (
    kid text PRIMARY KEY CHECK (length(kid) BETWEEN 1 AND 64),
    public_key jsonb NOT NULL, -- a JSON Web Key (RFC 7517)
    signs_from timestamptz NOT NULL,
    created_at timestamptz NOT NULL
);


-- Row-level security.

ALTER TABLE auth.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON auth.sessions
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), '')::uuid);

ALTER TABLE auth.refresh_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.refresh_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON auth.refresh_tokens
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY shown ON auth.refresh_tokens FOR SELECT
    USING (token_hash = current_setting('app.credential', true));

CREATE POLICY own ON auth.users FOR SELECT
    USING (id = nullif(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY change_own ON auth.users FOR UPDATE
    USING (id = nullif(current_setting('app.user_id', true), '')::uuid);

GRANT SELECT, INSERT ON auth.sessions TO llmo_auth;
GRANT UPDATE (org_id, authenticated_at, last_used_at, revoked_at) ON auth.sessions TO llmo_auth;
GRANT SELECT, INSERT ON auth.refresh_tokens TO llmo_auth;
GRANT UPDATE (used_at, successor) ON auth.refresh_tokens TO llmo_auth;
GRANT UPDATE (password_hash) ON auth.users TO llmo_auth;
GRANT SELECT, INSERT, DELETE ON auth.signing_keys TO llmo_auth;


-- The published contract of access tokens: the keys that verify them, and what their session may do now. A token whose
-- session has ended, or whose member has left, is refused before it expires.

GRANT SELECT (id, user_id, revoked_at, expires_at) ON auth.sessions TO llmo_admission;
GRANT SELECT (org_id, user_id, role) ON auth.memberships TO llmo_admission;
CREATE POLICY admission ON auth.sessions FOR SELECT TO llmo_admission USING (true);
CREATE POLICY admission ON auth.memberships FOR SELECT TO llmo_admission USING (true);

CREATE VIEW auth.admission_sessions AS
SELECT
    session.id AS session_id,
    session.user_id,
    membership.org_id,
    membership.role,
    session.expires_at,
    session.revoked_at
FROM auth.sessions AS session
JOIN auth.memberships AS membership ON membership.user_id = session.user_id;

GRANT SELECT ON auth.admission_sessions, auth.signing_keys TO llmo_authorizer;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA auth TO llmo_admission;
ALTER VIEW auth.admission_sessions OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA auth FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
