-- The audit log: who did what to what from where. Rows are added and read, never changed or deleted: the service has
-- no right to, and a trigger refuses it to everybody who has.

CREATE TABLE auth.audit_log (
    id uuid PRIMARY KEY,
    org_id uuid, -- whose log it belongs to; null for what a person did to their own account
    subject_id uuid, -- the person whom it is about, in whose own log it is
    occurred_at timestamptz NOT NULL,
    actor_type text NOT NULL CHECK (actor_type IN ('anonymous', 'api_key', 'service_account', 'user')),
    actor_id uuid CHECK ((actor_id IS NULL) = (actor_type = 'anonymous')),
    client_id uuid, -- the application that acted for the actor
    action text NOT NULL CHECK (action ~ '^[a-z_]+(\.[a-z_]+)+$'), -- such as member.removed
    target_id uuid NOT NULL,
    details jsonb NOT NULL,
    ip inet,
    user_agent text CHECK (length(user_agent) <= 300),
    CHECK (org_id IS NOT NULL OR subject_id IS NOT NULL)
);

CREATE INDEX audit_log_org ON auth.audit_log (org_id, id DESC) WHERE org_id IS NOT NULL;
CREATE INDEX audit_log_actor ON auth.audit_log (org_id, actor_id, id DESC) WHERE org_id IS NOT NULL;
CREATE INDEX audit_log_target ON auth.audit_log (org_id, target_id, id DESC) WHERE org_id IS NOT NULL;
CREATE INDEX audit_log_subject ON auth.audit_log (subject_id, id DESC) WHERE subject_id IS NOT NULL;

ALTER TABLE auth.audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON auth.audit_log FOR SELECT
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid);
CREATE POLICY own ON auth.audit_log FOR SELECT
    USING (subject_id = nullif(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY record ON auth.audit_log FOR INSERT
    WITH CHECK (org_id IS NOT DISTINCT FROM nullif(current_setting('app.org_id', true), '')::uuid);

GRANT SELECT, INSERT ON auth.audit_log TO llmo_auth;

CREATE FUNCTION auth.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON auth.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION auth.refuse_change();
