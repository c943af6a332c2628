-- Suppressions can be listed, the newest first, and lifted one by one: they have ids in the order of time, as UUIDv7 has.

ALTER TABLE notification.suppressions ADD COLUMN id uuid;
UPDATE notification.suppressions SET id = (
    lpad(to_hex((extract(epoch FROM created_at) * 1000)::bigint), 12, '0')
    || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 3)
    || '8' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 15)
)::uuid;
ALTER TABLE notification.suppressions
    ALTER COLUMN id SET NOT NULL,
    ALTER COLUMN id SET DEFAULT (
        lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
        || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 3)
        || '8' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 15)
    )::uuid;
CREATE UNIQUE INDEX suppressions_page ON notification.suppressions (id);
