-- Ten thousand messages come at once into a table of which the database last knew that nothing waits in it, and by what
-- it knows every plan costs nothing then: it compared each message with all others, a minute for one look at what is
-- due. Now there is one plan that needs no sorting, which is what senders ask for (`notification.delivery.repository`):
-- what is due in the order of one index, and with OFFSET 0 each message's predecessors by themselves in that of another.

GRANT llmo_admission TO CURRENT_USER;

CREATE OR REPLACE VIEW notification.due_messages AS
SELECT id, org_id, channel, priority, due_at, leased_until
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
CREATE INDEX messages_due ON notification.messages (channel, priority, due_at, id)
    WHERE status IN ('queued', 'sending') AND digest IS NULL;
