-- Second factors: authenticator apps, recovery codes and passkeys.
--
-- They belong to a person (`app.user_id`). Whoever signs in with a passkey, or answers a challenge, is not known yet: a
-- transaction that names what they showed in `app.credential` may read that one row.

CREATE TABLE auth.totp (
    user_id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
    secret bytea NOT NULL, -- sealed
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz, -- it is no factor before
    last_step bigint, -- no code of this or an earlier step of time is accepted
    CHECK ((confirmed_at IS NULL) = (last_step IS NULL))
);

CREATE TABLE auth.recovery_codes (
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    code_hash text NOT NULL CHECK (code_hash ~ '^[0-9a-f]{64}$'),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE auth.passkeys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    credential_id bytea NOT NULL UNIQUE CHECK (length(credential_id) BETWEEN 1 AND 1023),
    public_key bytea NOT NULL, -- a COSE key (RFC 9052)
    sign_count bigint NOT NULL CHECK (sign_count >= 0), -- as the authenticator counted at its last use
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL,
    last_used_at timestamptz
);

CREATE INDEX passkeys_user ON auth.passkeys (user_id, id);

-- What an authenticator is asked to sign. One to register a passkey is for its person; one to sign in is for nobody yet.
CREATE TABLE auth.passkey_challenges (
    challenge_hash text PRIMARY KEY CHECK (challenge_hash ~ '^[0-9a-f]{64}$'),
    user_id uuid REFERENCES auth.users ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);

CREATE INDEX passkey_challenges_user ON auth.passkey_challenges (user_id);
CREATE INDEX passkey_challenges_expiry ON auth.passkey_challenges (expires_at);

-- Somebody who showed one factor and is asked for another.
CREATE TABLE auth.second_factor_challenges (
    token_hash text PRIMARY KEY CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    org_id uuid, -- as it was asked for: there may be no such organization
    amr text[] NOT NULL,
    wrong_answers int NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at)
);

CREATE INDEX second_factor_challenges_user ON auth.second_factor_challenges (user_id);
CREATE INDEX second_factor_challenges_expiry ON auth.second_factor_challenges (expires_at);


-- Row-level security.

ALTER TABLE auth.totp ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.totp FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON auth.totp
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), '')::uuid);

ALTER TABLE auth.recovery_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.recovery_codes FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON auth.recovery_codes
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), '')::uuid);

ALTER TABLE auth.passkeys ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.passkeys FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON auth.passkeys
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY shown ON auth.passkeys FOR SELECT
    USING (encode(credential_id, 'hex') = current_setting('app.credential', true));

ALTER TABLE auth.passkey_challenges ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.passkey_challenges FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON auth.passkey_challenges
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY shown ON auth.passkey_challenges
    USING (user_id IS NULL AND challenge_hash = current_setting('app.credential', true))
    WITH CHECK (user_id IS NULL AND challenge_hash = current_setting('app.credential', true));

ALTER TABLE auth.second_factor_challenges ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.second_factor_challenges FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON auth.second_factor_challenges
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY shown ON auth.second_factor_challenges FOR SELECT
    USING (token_hash = current_setting('app.credential', true));

GRANT SELECT, INSERT, DELETE ON
    auth.totp, auth.recovery_codes, auth.passkeys, auth.passkey_challenges, auth.second_factor_challenges
    TO llmo_auth;
GRANT UPDATE (confirmed_at, last_step) ON auth.totp TO llmo_auth;
GRANT UPDATE (sign_count, last_used_at) ON auth.passkeys TO llmo_auth;
GRANT UPDATE (wrong_answers) ON auth.second_factor_challenges TO llmo_auth;


-- The relay deletes what has expired.

GRANT SELECT (expires_at), DELETE ON auth.passkey_challenges, auth.second_factor_challenges TO llmo_relay;
CREATE POLICY relay ON auth.passkey_challenges TO llmo_relay USING (true) WITH CHECK (false);
CREATE POLICY relay ON auth.second_factor_challenges TO llmo_relay USING (true) WITH CHECK (false);
