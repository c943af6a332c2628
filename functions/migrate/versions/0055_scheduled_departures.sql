-- Whose account is deleted may be in what an organization is still going to tell, that never wrote to them before: it
-- holds their id or address as well.

GRANT SELECT (audience) ON notification.notifications TO llmo_admission;

GRANT llmo_admission TO CURRENT_USER;
CREATE OR REPLACE FUNCTION notification.organizations_that_wrote_to(who uuid, written_to text) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT org_id FROM notification.messages WHERE user_id = who AND org_id IS NOT NULL
    UNION
    SELECT org_id FROM notification.messages WHERE address_key = lower(written_to) AND org_id IS NOT NULL
    UNION
    SELECT org_id FROM notification.notifications
    WHERE finished_at IS NULL AND org_id IS NOT NULL AND (
        audience @> jsonb_build_object('user_ids', jsonb_build_array(who::text))
        OR EXISTS (
            SELECT FROM jsonb_array_elements(coalesce(audience -> 'addresses', '[]')) AS each
            WHERE lower(each ->> 'email') = lower(written_to) OR each ->> 'user_id' = who::text
        )
    )
$$;
REVOKE llmo_admission FROM CURRENT_USER;
