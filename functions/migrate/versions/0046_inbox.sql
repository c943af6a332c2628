-- The inbox: what people read in the application. A transaction names the person whose items it may touch in
-- `app.user_id`, and sees of them those of its organization, and those that are about the person and of none.

CREATE TABLE notification.inbox_items (
    id uuid PRIMARY KEY,
    org_id uuid,
    user_id uuid NOT NULL,
    notification_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
    category text NOT NULL CHECK (length(category) BETWEEN 1 AND 63),
    title text NOT NULL CHECK (length(title) <= 500),
    body text NOT NULL CHECK (length(body) <= 10000),
    url text CHECK (length(url) <= 2000),
    created_at timestamptz NOT NULL,
    seen_at timestamptz, -- it was shown in the list
    read_at timestamptz, -- and opened
    archived_at timestamptz,
    expires_at timestamptz NOT NULL, -- when it is deleted
    UNIQUE (notification_id, user_id),
    CHECK (read_at IS NULL OR seen_at IS NOT NULL)
);
CREATE INDEX inbox_items_page ON notification.inbox_items (user_id, id DESC);
-- What is counted at each look at the application, and listed first. What is not seen is not read.
CREATE INDEX inbox_items_unread ON notification.inbox_items (user_id, id DESC)
    INCLUDE (org_id, seen_at, expires_at, category) WHERE read_at IS NULL AND archived_at IS NULL;
CREATE INDEX inbox_items_expiry ON notification.inbox_items (expires_at);

ALTER TABLE notification.inbox_items ENABLE ROW LEVEL SECURITY;
ALTER TABLE notification.inbox_items FORCE ROW LEVEL SECURITY;

-- Whoever plans messages puts items into many people's inboxes, and reads none.
CREATE POLICY tenant ON notification.inbox_items FOR INSERT TO llmo_notification
    WITH CHECK (org_id IS NOT DISTINCT FROM nullif(current_setting('app.org_id', true), '')::uuid);
CREATE POLICY own_to_read ON notification.inbox_items FOR SELECT TO llmo_notification
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid
        AND (org_id IS NULL OR org_id = nullif(current_setting('app.org_id', true), '')::uuid));
CREATE POLICY own_to_change ON notification.inbox_items FOR UPDATE TO llmo_notification
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid
        AND (org_id IS NULL OR org_id = nullif(current_setting('app.org_id', true), '')::uuid));
CREATE POLICY own_to_delete ON notification.inbox_items FOR DELETE TO llmo_notification
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid
        AND (org_id IS NULL OR org_id = nullif(current_setting('app.org_id', true), '')::uuid));

GRANT SELECT, INSERT, DELETE ON notification.inbox_items TO llmo_notification;
GRANT UPDATE (seen_at, read_at, archived_at) ON notification.inbox_items TO llmo_notification;

GRANT SELECT (expires_at), DELETE ON notification.inbox_items TO llmo_relay;
CREATE POLICY relay ON notification.inbox_items TO llmo_relay USING (true) WITH CHECK (false);
