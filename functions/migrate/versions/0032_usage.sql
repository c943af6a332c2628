-- What was used. Events are kept so that anybody can count again; bills are made from what meters counted of them.

CREATE TABLE billing.usage_events (
    org_id uuid NOT NULL,
    event_id uuid NOT NULL,
    name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_.-]{0,99}$'),
    reported_id text CHECK (length(reported_id) BETWEEN 1 AND 128), -- what the organization itself calls it
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    fields jsonb NOT NULL CHECK (jsonb_typeof(fields) = 'object'),
    PRIMARY KEY (org_id, occurred_at, event_id)
) PARTITION BY RANGE (occurred_at);

-- The values that meters of different ones have met. Slots are quarters of an hour in UTC: midnight is the boundary of
-- one in every time zone there is.

CREATE TABLE billing.usage_values (
    org_id uuid NOT NULL,
    meter_id uuid NOT NULL,
    slot timestamptz NOT NULL,
    value text COLLATE "C" NOT NULL CHECK (length(value) <= 256),
    PRIMARY KEY (org_id, meter_id, slot, value)
) PARTITION BY RANGE (slot);

-- Meters are never deleted; a foreign key would lock the meter's row with every batch of every consumer.

CREATE TABLE billing.usage_counts (
    org_id uuid NOT NULL,
    meter_id uuid NOT NULL,
    slot timestamptz NOT NULL CHECK (mod(extract(epoch FROM slot), 900) = 0),
    total numeric NOT NULL CHECK (total >= 0), -- of meters that add up
    events bigint NOT NULL CHECK (events >= 0), -- of meters that count events
    largest numeric CHECK (largest >= 0), -- of meters that look for the largest
    PRIMARY KEY (org_id, meter_id, slot)
);

-- The ids of events that organizations reported themselves. Events are told apart by them whatever else they say, which
-- a partitioned table cannot promise. The relay forgets them.

CREATE TABLE billing.reported_usage (
    org_id uuid NOT NULL,
    reported_id text NOT NULL CHECK (length(reported_id) BETWEEN 1 AND 128),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, reported_id)
);
CREATE INDEX reported_usage_expiry ON billing.reported_usage (expires_at);


-- Row-level security. Partitions have it without a policy: nobody reads them but through their table.

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['usage_events', 'usage_values', 'usage_counts', 'reported_usage'] LOOP
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' ENABLE ROW LEVEL SECURITY';
        EXECUTE 'ALTER TABLE billing.' || tenant_table || ' FORCE ROW LEVEL SECURITY';
        EXECUTE 'CREATE POLICY tenant ON billing.' || tenant_table
            || ' USING (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)'
            || ' WITH CHECK (org_id = nullif(current_setting(''app.org_id'', true), '''')::uuid)';
    END LOOP;
END
$$;
CREATE POLICY relay ON billing.reported_usage TO llmo_relay USING (true) WITH CHECK (false);

GRANT SELECT, INSERT ON billing.usage_events, billing.usage_values, billing.reported_usage TO llmo_billing;
GRANT SELECT, INSERT, UPDATE (total, events, largest) ON billing.usage_counts TO llmo_billing;
GRANT SELECT (expires_at), DELETE ON billing.reported_usage TO llmo_relay;


-- Months. What no month was made for is kept in the default partition, and moved when its month is made.

CREATE TABLE billing.usage_events_other PARTITION OF billing.usage_events DEFAULT;
CREATE TABLE billing.usage_values_other PARTITION OF billing.usage_values DEFAULT;
ALTER TABLE billing.usage_events_other ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing.usage_events_other FORCE ROW LEVEL SECURITY;
ALTER TABLE billing.usage_values_other ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing.usage_values_other FORCE ROW LEVEL SECURITY;

-- A month's partition of a table; false where it is there already. It is filled from the default partition before it
-- becomes part of the table. Only the owner of both runs this, and security is forced on it again within the transaction.
CREATE FUNCTION billing.make_usage_month(parent text, part_key text, month timestamp) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    whole text := 'billing.' || quote_ident(parent);
    other text := 'billing.' || quote_ident(parent || '_other');
    part text := 'billing.' || quote_ident(parent || '_' || to_char(month, 'YYYYMM'));
    from_moment text := quote_literal(month AT TIME ZONE 'UTC');
    to_moment text := quote_literal((month + interval '1 month') AT TIME ZONE 'UTC');
BEGIN
    IF to_regclass(part) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE 'LOCK TABLE ' || whole || ' IN SHARE ROW EXCLUSIVE MODE';
    EXECUTE 'CREATE TABLE ' || part || ' (LIKE ' || whole || ' INCLUDING ALL)';
    EXECUTE 'ALTER TABLE ' || other || ' NO FORCE ROW LEVEL SECURITY';
    EXECUTE 'WITH moved AS (DELETE FROM ' || other || ' WHERE ' || quote_ident(part_key) || ' >= ' || from_moment
        || ' AND ' || quote_ident(part_key) || ' < ' || to_moment || ' RETURNING *)'
        || ' INSERT INTO ' || part || ' SELECT * FROM moved';
    EXECUTE 'ALTER TABLE ' || other || ' FORCE ROW LEVEL SECURITY';
    EXECUTE 'ALTER TABLE ' || part || ' ENABLE ROW LEVEL SECURITY';
    EXECUTE 'ALTER TABLE ' || part || ' FORCE ROW LEVEL SECURITY';
    EXECUTE 'ALTER TABLE ' || whole || ' ATTACH PARTITION ' || part
        || ' FOR VALUES FROM (' || from_moment || ') TO (' || to_moment || ')';
    RETURN true;
END
$$;

-- Makes the months from two before to three after a moment, and drops those that ended 18 months before it. What the
-- default partition has of that time goes as well. Safe to repeat; two at once take turns.
CREATE FUNCTION billing.arrange_usage_months(at timestamptz, OUT made integer, OUT dropped integer)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '10s' AS $$
DECLARE
    this_month timestamp := date_trunc('month', at AT TIME ZONE 'UTC');
    first_kept timestamp := this_month - interval '18 months';
    tables text[][] := ARRAY[['usage_events', 'occurred_at'], ['usage_values', 'slot']];
    parent text;
    part_key text;
    other text;
    part text;
BEGIN
    made := 0;
    dropped := 0;
    PERFORM pg_advisory_xact_lock(hashtextextended('billing.arrange_usage_months', 0));
    FOR number IN 1 .. array_length(tables, 1) LOOP
        parent := tables[number][1];
        part_key := tables[number][2];
        other := 'billing.' || quote_ident(parent || '_other');
        FOR ahead IN -2 .. 3 LOOP
            IF billing.make_usage_month(parent, part_key, this_month + make_interval(months => ahead)) THEN
                made := made + 1;
            END IF;
        END LOOP;
        FOR part IN
            SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
            WHERE inhparent = ('billing.' || quote_ident(parent))::regclass
                AND child.relname ~ ('^' || parent || '_[0-9]{6}$')
                AND to_date(right(child.relname, 6), 'YYYYMM') < first_kept
        LOOP
            EXECUTE 'DROP TABLE billing.' || quote_ident(part);
            dropped := dropped + 1;
        END LOOP;
        EXECUTE 'ALTER TABLE ' || other || ' NO FORCE ROW LEVEL SECURITY';
        EXECUTE 'DELETE FROM ' || other || ' WHERE ' || quote_ident(part_key) || ' < ' || quote_literal(first_kept);
        EXECUTE 'ALTER TABLE ' || other || ' FORCE ROW LEVEL SECURITY';
    END LOOP;
END
$$;

-- What the service may have done: as of now, which it cannot choose.
CREATE FUNCTION billing.arrange_usage_months(OUT made integer, OUT dropped integer)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT made, dropped FROM billing.arrange_usage_months(now())
$$;

REVOKE EXECUTE ON FUNCTION billing.make_usage_month(text, text, timestamp) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION billing.arrange_usage_months(timestamptz) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION billing.arrange_usage_months() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION billing.arrange_usage_months() TO llmo_billing;

SELECT billing.arrange_usage_months(now());
