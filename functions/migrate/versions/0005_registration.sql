-- Registering, and resetting passwords: what was asked for and is not done yet.
--
-- Nobody is a user before they have shown that they read the mail to their address. Until then a registration stands
-- by itself, with the password that came with it: whoever registers somebody else's address takes nothing away from the
-- registration of its owner, and gains something only if the owner follows the link of a mail that they did not ask for.

CREATE TABLE auth.registrations (
    id uuid PRIMARY KEY,
    token_hash text NOT NULL UNIQUE CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    email text NOT NULL CHECK (length(email) BETWEEN 3 AND 254 AND position('@' IN email) > 1),
    password_hash text NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    organization text NOT NULL CHECK (length(organization) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at)
);

CREATE INDEX registrations_email ON auth.registrations (lower(email));
CREATE INDEX registrations_expiry ON auth.registrations (expires_at);

CREATE TABLE auth.password_resets (
    token_hash text PRIMARY KEY CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    user_id uuid NOT NULL REFERENCES auth.users,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at)
);

CREATE INDEX password_resets_user ON auth.password_resets (user_id);
CREATE INDEX password_resets_expiry ON auth.password_resets (expires_at);


-- Row-level security: a registration belongs to its address, a reset to its user, and whoever shows a token may read
-- the one row that it stands for.

ALTER TABLE auth.registrations ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.registrations FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON auth.registrations
    USING (lower(email) = lower(current_setting('app.email', true)))
    WITH CHECK (lower(email) = lower(current_setting('app.email', true)));
CREATE POLICY shown ON auth.registrations FOR SELECT
    USING (token_hash = current_setting('app.credential', true));

ALTER TABLE auth.password_resets ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.password_resets FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON auth.password_resets
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY shown ON auth.password_resets FOR SELECT
    USING (token_hash = current_setting('app.credential', true));

GRANT SELECT, INSERT, DELETE ON auth.registrations, auth.password_resets TO llmo_auth;


-- Events about a person belong to no organization; a transaction of no organization sees those, and no others.

ALTER TABLE auth.outbox ALTER COLUMN org_id DROP NOT NULL;
DROP POLICY tenant ON auth.outbox;
CREATE POLICY tenant ON auth.outbox
    USING (org_id IS NOT DISTINCT FROM nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id IS NOT DISTINCT FROM nullif(current_setting('app.org_id', true), '')::uuid);


-- The relay deletes what has expired, as it does with the requests that are remembered for a day.

GRANT SELECT (expires_at), DELETE ON auth.registrations, auth.password_resets, auth.sessions TO llmo_relay;
CREATE POLICY relay ON auth.registrations TO llmo_relay USING (true) WITH CHECK (false);
CREATE POLICY relay ON auth.password_resets TO llmo_relay USING (true) WITH CHECK (false);
CREATE POLICY relay ON auth.sessions TO llmo_relay USING (true) WITH CHECK (false);
