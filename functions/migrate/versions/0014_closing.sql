-- Closing organizations, deleting accounts, and changing an account's address.

CREATE TABLE auth.email_changes (
    token_hash text PRIMARY KEY CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    user_id uuid NOT NULL REFERENCES auth.users,
    email text NOT NULL CHECK (length(email) BETWEEN 3 AND 254 AND position('@' IN email) > 1),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at)
);

CREATE INDEX email_changes_user ON auth.email_changes (user_id);
CREATE INDEX email_changes_expiry ON auth.email_changes (expires_at);

ALTER TABLE auth.email_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.email_changes FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON auth.email_changes
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY relay ON auth.email_changes TO llmo_relay USING (true) WITH CHECK (false);

GRANT SELECT, INSERT, DELETE ON auth.email_changes TO llmo_auth;
GRANT SELECT (expires_at), DELETE ON auth.email_changes TO llmo_relay;

-- A deleted account keeps its row, without anything that says whose it was: keys and log entries refer to it.
ALTER TABLE auth.users ADD COLUMN deleted_at timestamptz;
GRANT UPDATE (email, deleted_at) ON auth.users TO llmo_auth;
GRANT UPDATE (ip, user_agent) ON auth.sessions TO llmo_auth;
