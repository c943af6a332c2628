-- Senders take what is due from each organization in turn, so that none that sends much keeps others waiting: what an
-- organization has waiting with a priority is one stretch of this index. What is of no organization is a tenant, too; with
-- CASE, since row-level security does not trust COALESCE, and would sort.

GRANT llmo_admission TO CURRENT_USER;

CREATE OR REPLACE VIEW notification.due_messages AS
SELECT id, org_id, channel, priority, due_at, leased_until,
    CASE WHEN org_id IS NULL THEN '00000000-0000-0000-0000-000000000000' ELSE org_id END AS tenant
FROM notification.messages AS message
WHERE status IN ('queued', 'sending') AND digest IS NULL
    AND NOT EXISTS (
        SELECT FROM notification.messages AS earlier
        WHERE earlier.channel = message.channel AND earlier.recipient = message.recipient
            AND earlier.org_id IS NOT DISTINCT FROM message.org_id
            AND earlier.status IN ('queued', 'sending') AND earlier.digest IS NULL
            AND earlier.priority <= message.priority
            AND (earlier.planned_for, earlier.id) < (message.planned_for, message.id)
        ORDER BY earlier.planned_for
        OFFSET 0
    );

REVOKE llmo_admission FROM CURRENT_USER;

DROP INDEX notification.messages_due;
CREATE INDEX messages_due ON notification.messages (
    channel, priority, (CASE WHEN org_id IS NULL THEN '00000000-0000-0000-0000-000000000000' ELSE org_id END), due_at, id
) WHERE status IN ('queued', 'sending') AND digest IS NULL;
