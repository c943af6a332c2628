-- A row for each message that waits for a digest, in the order of an index: whoever looks for what is due stops reading
-- where it is not due yet. Grouped by digest, all that waits was read first.

GRANT llmo_admission TO CURRENT_USER;
CREATE OR REPLACE VIEW notification.due_digests AS
SELECT org_id, user_id, digest, due_at
FROM notification.messages
WHERE status = 'queued' AND digest IS NOT NULL AND user_id IS NOT NULL;
REVOKE llmo_admission FROM CURRENT_USER;
