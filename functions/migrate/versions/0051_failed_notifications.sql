-- A notification that cannot be planned, or whose planner dies of it each time, is given up after some attempts.

ALTER TABLE notification.notifications
    ADD COLUMN failures smallint NOT NULL DEFAULT 0, -- how often planning it was begun and came to no end
    ADD COLUMN failure text CHECK (length(failure) <= 500), -- why it came to none
    DROP CONSTRAINT notifications_status_check,
    ADD CONSTRAINT notifications_status_check
        CHECK (status IN ('scheduled', 'planning', 'planned', 'cancelled', 'failed'));
GRANT UPDATE (failures, failure) ON notification.notifications TO llmo_notification;
