-- Editions of the price tables, everybody's: what any usage event's `price_version` meant can be looked up here.

CREATE TABLE integration.price_tables (
    id uuid PRIMARY KEY,
    version text NOT NULL UNIQUE CHECK (length(version) BETWEEN 1 AND 100),
    shape integer NOT NULL, -- of `tables`; those of another shape are not read
    dated timestamptz NOT NULL, -- when the source had these prices
    source text NOT NULL, -- its URL
    tables jsonb NOT NULL, -- by provider
    accepted boolean NOT NULL, -- somebody accepted changes that are refused otherwise
    created_at timestamptz NOT NULL
);
CREATE INDEX price_tables_newest ON integration.price_tables (shape, dated DESC);

ALTER TABLE integration.price_tables ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration.price_tables FORCE ROW LEVEL SECURITY;
CREATE POLICY everybody ON integration.price_tables TO llmo_integration USING (true) WITH CHECK (true);

GRANT SELECT, INSERT ON integration.price_tables TO llmo_integration;


-- An event about prices is about no organization.

ALTER TABLE integration.outbox ALTER COLUMN org_id DROP NOT NULL;
DROP POLICY tenant ON integration.outbox;
CREATE POLICY tenant ON integration.outbox
    USING (org_id IS NOT DISTINCT FROM nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id IS NOT DISTINCT FROM nullif(current_setting('app.org_id', true), '')::uuid);
