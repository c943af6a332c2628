-- What is sent to people who leave, and to those whose account is deleted, is personal data that nobody has a use for
-- once it was sent: it is marked, and erased by whoever writes down that it was.

ALTER TABLE notification.notifications ADD COLUMN departing boolean NOT NULL DEFAULT false;
CREATE INDEX notifications_asked ON notification.notifications (created_by)
    WHERE org_id IS NULL AND created_by IS NOT NULL;
GRANT UPDATE (departing) ON notification.notifications TO llmo_notification;

-- Row-level security lets no function that it does not trust look at rows first, and `lower` is none that it trusts:
-- with an index on `lower(address)` every message of the organization would be read.
ALTER TABLE notification.messages
    ADD COLUMN departing boolean NOT NULL DEFAULT false,
    ADD COLUMN erased boolean NOT NULL DEFAULT false,
    ADD COLUMN address_key text
        GENERATED ALWAYS AS (CASE WHEN channel IN ('email', 'sms') THEN lower(left(address, 320)) END) STORED;
CREATE INDEX messages_address ON notification.messages (address_key, id DESC) WHERE address_key IS NOT NULL;
GRANT UPDATE (departing, erased) ON notification.messages TO llmo_notification;

-- Which organizations have written to somebody, for who knows the address already.
GRANT SELECT (address_key) ON notification.messages TO llmo_admission;
CREATE FUNCTION notification.organizations_that_wrote_to(who uuid, written_to text) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT org_id FROM notification.messages WHERE user_id = who AND org_id IS NOT NULL
    UNION
    SELECT org_id FROM notification.messages WHERE address_key = lower(written_to) AND org_id IS NOT NULL
$$;
REVOKE EXECUTE ON FUNCTION notification.organizations_that_wrote_to(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION notification.organizations_that_wrote_to(uuid, text) TO llmo_notification;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA notification TO llmo_admission;
ALTER FUNCTION notification.organizations_that_wrote_to(uuid, text) OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA notification FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
