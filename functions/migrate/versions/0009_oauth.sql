-- Service accounts, and applications that people let act for them (OAuth 2.1).
--
-- Whoever asks for a token is not known yet: a transaction that names in `app.credential` what they showed (the digest
-- of a secret, of a code or of a cookie, or the public id of an application) may read that one row, and learns from it
-- whose it is.


-- Service accounts of an organization, and their secrets.

CREATE TABLE auth.service_accounts (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES auth.organizations,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    permissions text[] NOT NULL CHECK (cardinality(permissions) > 0 AND array_position(permissions, NULL) IS NULL),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz,
    UNIQUE (id, org_id)
);

CREATE INDEX service_accounts_org ON auth.service_accounts (org_id, id DESC);

CREATE TABLE auth.service_account_secrets (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    org_id uuid NOT NULL,
    secret_hash text NOT NULL UNIQUE CHECK (secret_hash ~ '^[0-9a-f]{64}$'),
    hint text NOT NULL CHECK (length(hint) = 4),
    created_at timestamptz NOT NULL,
    FOREIGN KEY (account_id, org_id) REFERENCES auth.service_accounts (id, org_id)
);

CREATE INDEX service_account_secrets_account ON auth.service_account_secrets (account_id, id DESC);

ALTER TABLE auth.service_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.service_accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON auth.service_accounts
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);

ALTER TABLE auth.service_account_secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.service_account_secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON auth.service_account_secrets
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);
CREATE POLICY shown ON auth.service_account_secrets FOR SELECT
    USING (secret_hash = current_setting('app.credential', true));

GRANT SELECT, INSERT ON auth.service_accounts TO llmo_auth;
GRANT UPDATE (disabled_at) ON auth.service_accounts TO llmo_auth;
GRANT SELECT, INSERT, DELETE ON auth.service_account_secrets TO llmo_auth;


-- Applications. Anybody's members may let one act for them; the organization that registered it may remove it.

CREATE TABLE auth.oauth_clients (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES auth.organizations,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    redirect_uris text[] NOT NULL CHECK (cardinality(redirect_uris) > 0 AND array_position(redirect_uris, NULL) IS NULL),
    permissions text[] NOT NULL CHECK (array_position(permissions, NULL) IS NULL), -- the most that it can be given
    secret_hash text CHECK (secret_hash ~ '^[0-9a-f]{64}$'), -- none: a public client, which cannot keep a secret
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    removed_at timestamptz
);

CREATE INDEX oauth_clients_org ON auth.oauth_clients (org_id, id DESC);

ALTER TABLE auth.oauth_clients ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.oauth_clients FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON auth.oauth_clients
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);
CREATE POLICY shown ON auth.oauth_clients FOR SELECT
    USING (id::text = current_setting('app.credential', true));

GRANT SELECT, INSERT ON auth.oauth_clients TO llmo_auth;
GRANT UPDATE (removed_at) ON auth.oauth_clients TO llmo_auth;


-- What an application was let do is a session of the person's, with the application in it.

ALTER TABLE auth.sessions ADD COLUMN client_id uuid REFERENCES auth.oauth_clients;
ALTER TABLE auth.sessions ADD COLUMN scope text[];
ALTER TABLE auth.sessions ADD CHECK ((client_id IS NULL) = (scope IS NULL));
CREATE INDEX sessions_client ON auth.sessions (client_id) WHERE client_id IS NOT NULL;

CREATE POLICY client ON auth.sessions -- of the application that `app.ended_client` names, whose removal ends them
    USING (client_id = nullif(current_setting('app.ended_client', true), '')::uuid)
    WITH CHECK (client_id = nullif(current_setting('app.ended_client', true), '')::uuid);


-- Requests of applications that their person has not decided on yet: what the browser's cookie stands for.

CREATE TABLE auth.authorization_requests (
    cookie_hash text PRIMARY KEY CHECK (cookie_hash ~ '^[0-9a-f]{64}$'),
    form_hash text NOT NULL CHECK (form_hash ~ '^[0-9a-f]{64}$'), -- of the token in the form that was shown last
    client_id uuid NOT NULL REFERENCES auth.oauth_clients,
    redirect_uri text NOT NULL,
    code_challenge text NOT NULL,
    scope text[] NOT NULL,
    state text,
    nonce text,
    user_id uuid REFERENCES auth.users, -- once they have signed in
    authenticated_at timestamptz,
    amr text[] NOT NULL, -- how they did
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    CHECK ((user_id IS NULL) = (authenticated_at IS NULL))
);

CREATE INDEX authorization_requests_user ON auth.authorization_requests (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX authorization_requests_expiry ON auth.authorization_requests (expires_at);

ALTER TABLE auth.authorization_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.authorization_requests FORCE ROW LEVEL SECURITY;
CREATE POLICY shown ON auth.authorization_requests
    USING (cookie_hash = current_setting('app.credential', true))
    WITH CHECK (cookie_hash = current_setting('app.credential', true));
CREATE POLICY own ON auth.authorization_requests
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY relay ON auth.authorization_requests TO llmo_relay USING (true) WITH CHECK (false);

GRANT SELECT, INSERT, DELETE ON auth.authorization_requests TO llmo_auth;
GRANT UPDATE (form_hash) ON auth.authorization_requests TO llmo_auth;
GRANT SELECT (expires_at), DELETE ON auth.authorization_requests TO llmo_relay;


-- Codes, with what they are exchanged for. They are kept for a while after they are worth nothing, so that a second use
-- is noticed.

CREATE TABLE auth.authorization_codes (
    code_hash text PRIMARY KEY CHECK (code_hash ~ '^[0-9a-f]{64}$'),
    client_id uuid NOT NULL REFERENCES auth.oauth_clients,
    user_id uuid NOT NULL REFERENCES auth.users,
    org_id uuid REFERENCES auth.organizations,
    session_id uuid NOT NULL UNIQUE, -- what is started with it
    redirect_uri text NOT NULL,
    code_challenge text NOT NULL,
    scope text[] NOT NULL,
    nonce text,
    authenticated_at timestamptz NOT NULL,
    amr text[] NOT NULL,
    created_at timestamptz NOT NULL,
    valid_until timestamptz NOT NULL CHECK (valid_until > created_at),
    expires_at timestamptz NOT NULL CHECK (expires_at >= valid_until), -- when it may be forgotten
    used_at timestamptz
);

CREATE INDEX authorization_codes_user ON auth.authorization_codes (user_id);
CREATE INDEX authorization_codes_expiry ON auth.authorization_codes (expires_at);

ALTER TABLE auth.authorization_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.authorization_codes FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON auth.authorization_codes
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY shown ON auth.authorization_codes FOR SELECT
    USING (code_hash = current_setting('app.credential', true));
CREATE POLICY relay ON auth.authorization_codes TO llmo_relay USING (true) WITH CHECK (false);

GRANT SELECT, INSERT, DELETE ON auth.authorization_codes TO llmo_auth;
GRANT UPDATE (used_at) ON auth.authorization_codes TO llmo_auth;
GRANT SELECT (expires_at), DELETE ON auth.authorization_codes TO llmo_relay;


-- What the authorizer may know of a service account. Those of a closed organization are not there.

GRANT SELECT (id, closed_at) ON auth.organizations TO llmo_admission;
GRANT SELECT (id, org_id, permissions, disabled_at) ON auth.service_accounts TO llmo_admission;
CREATE POLICY admission ON auth.service_accounts FOR SELECT TO llmo_admission USING (true);

CREATE VIEW auth.admission_service_accounts AS
SELECT account.id AS account_id, account.org_id, account.permissions, account.disabled_at
FROM auth.service_accounts AS account
JOIN auth.organizations AS organization ON organization.id = account.org_id
WHERE organization.closed_at IS NULL;

GRANT SELECT ON auth.admission_service_accounts TO llmo_authorizer;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA auth TO llmo_admission;
ALTER VIEW auth.admission_service_accounts OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA auth FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
