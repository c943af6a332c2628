-- Identities at other identity providers, and the sign-ins with them that are under way.
--
-- An identity belongs to a person (`app.user_id`). Whoever signs in with one is not known yet: a transaction that names
-- the digest of issuer and subject in `app.credential` may read that one row.

ALTER TABLE auth.users ALTER COLUMN password_hash DROP NOT NULL; -- somebody who has no password signs in elsewhere

CREATE TABLE auth.identities (
    id uuid PRIMARY KEY,
    provider text NOT NULL CHECK (length(provider) BETWEEN 1 AND 40), -- as it was called then
    issuer text NOT NULL CHECK (length(issuer) BETWEEN 1 AND 500),
    subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    email text CHECK (length(email) <= 254), -- as the provider had it then; it proves nothing
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    UNIQUE (issuer, subject)
);

CREATE INDEX identities_user ON auth.identities (user_id, id);

-- Somebody who was sent to a provider. One that links an identity is for its person; one that signs in is for nobody.
CREATE TABLE auth.federation_flows (
    token_hash text PRIMARY KEY CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    state_hash text NOT NULL CHECK (state_hash ~ '^[0-9a-f]{64}$'),
    provider text NOT NULL,
    secrets bytea NOT NULL, -- nonce and code verifier, sealed under the token's text
    user_id uuid REFERENCES auth.users ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at)
);

CREATE INDEX federation_flows_user ON auth.federation_flows (user_id);
CREATE INDEX federation_flows_expiry ON auth.federation_flows (expires_at);


-- Row-level security.

ALTER TABLE auth.identities ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.identities FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON auth.identities
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY shown ON auth.identities FOR SELECT
    USING (
        encode(sha256(convert_to(issuer || ' ' || subject, 'UTF8')), 'hex') = current_setting('app.credential', true)
    );

ALTER TABLE auth.federation_flows ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.federation_flows FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON auth.federation_flows
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY shown ON auth.federation_flows
    USING (user_id IS NULL AND token_hash = current_setting('app.credential', true))
    WITH CHECK (user_id IS NULL AND token_hash = current_setting('app.credential', true));

GRANT SELECT, INSERT, DELETE ON auth.identities, auth.federation_flows TO llmo_auth;
GRANT UPDATE (last_used_at) ON auth.identities TO llmo_auth;


-- The relay deletes what has expired.

GRANT SELECT (expires_at), DELETE ON auth.federation_flows TO llmo_relay;
CREATE POLICY relay ON auth.federation_flows TO llmo_relay USING (true) WITH CHECK (false);
