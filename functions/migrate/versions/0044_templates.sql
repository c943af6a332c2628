-- Templates of organizations, and their versions, which never change: `published` says which of them is sent.

CREATE TABLE notification.templates (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
    channel text NOT NULL CHECK (channel IN ('email', 'sms', 'push', 'in_app')),
    locale text NOT NULL CHECK (length(locale) BETWEEN 2 AND 35),
    description text NOT NULL CHECK (length(description) <= 500),
    draft jsonb CHECK (jsonb_typeof(draft) = 'object'), -- notification.templates.models.Wording; NULL while there is none
    published integer CHECK (published BETWEEN 1 AND newest),
    newest integer NOT NULL DEFAULT 0 CHECK (newest >= 0),
    revision integer NOT NULL DEFAULT 1 CHECK (revision > 0),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    removed_at timestamptz,
    UNIQUE (org_id, id)
);
CREATE UNIQUE INDEX templates_once ON notification.templates (org_id, kind, channel, locale) WHERE removed_at IS NULL;
CREATE INDEX templates_page ON notification.templates (org_id, id DESC) WHERE removed_at IS NULL;

CREATE TABLE notification.template_versions (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    template_id uuid NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    wording jsonb NOT NULL CHECK (jsonb_typeof(wording) = 'object'),
    note text NOT NULL CHECK (length(note) <= 500),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (template_id, number),
    FOREIGN KEY (org_id, template_id) REFERENCES notification.templates (org_id, id)
);

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['templates', 'template_versions'] LOOP
        EXECUTE 'ALTER TABLE notification.' || tenant_table || ' ENABLE ROW LEVEL SECURITY';
        EXECUTE 'ALTER TABLE notification.' || tenant_table || ' FORCE ROW LEVEL SECURITY';
        EXECUTE 'CREATE POLICY tenant ON notification.' || tenant_table
            || ' USING (org_id IS NOT DISTINCT FROM nullif(current_setting(''app.org_id'', true), '''')::uuid)'
            || ' WITH CHECK (org_id IS NOT DISTINCT FROM nullif(current_setting(''app.org_id'', true), '''')::uuid)';
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON notification.templates, notification.template_versions TO llmo_notification;
GRANT UPDATE (description, draft, published, newest, revision, updated_at, removed_at)
    ON notification.templates TO llmo_notification;
