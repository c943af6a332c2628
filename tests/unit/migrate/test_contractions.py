"""Which revisions contract the schema; and what of SQL adds, and what takes away."""

import pytest

from migrate.contractions import contractions
from migrate.schema import contracting_revisions, revisions

# Everything else in versions/ only adds. A new entry here is what a reviewer looks at: does any code still need it?
CONTRACTIONS = {"0007": 2, "0022": 1}


def test_the_revisions_that_contract_are_these_and_say_why() -> None:
    scripts = revisions()
    every = list(scripts.walk_revisions())
    found = {revision: len(of_it) for revision, of_it in contracting_revisions(scripts, every).items()}

    assert found == CONTRACTIONS
    assert {script.revision for script in every if getattr(script.module, "contracts", "")} == CONTRACTIONS.keys()


def test_revisions_are_a_line() -> None:
    assert all(isinstance(script.down_revision, str | None) for script in revisions().walk_revisions())


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE billing.invoices",
        "DROP TABLE IF EXISTS billing.invoices, billing.plans CASCADE",
        "drop /* really */ schema billing -- all of it",
        "DROP VIEW auth.admission_keys",
        "DROP INDEX CONCURRENTLY billing.invoices_due",
        "DROP POLICY tenant ON billing.invoices",
        "DROP FUNCTION billing.arrange(uuid, text)",
        "TRUNCATE billing.invoices",
        "DELETE FROM billing.invoices WHERE org_id IS NULL",
        "WITH gone AS (DELETE FROM billing.invoices RETURNING 1) SELECT count(*) FROM gone",
        "UPDATE billing.invoices SET total = 0",
        "INSERT INTO billing.plans VALUES (1) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
        "MERGE INTO billing.plans USING billing.other ON true WHEN MATCHED THEN DELETE",
        "ALTER TABLE billing.invoices DROP COLUMN total",
        "ALTER TABLE billing.invoices DROP total",
        "ALTER TABLE billing.invoices ADD COLUMN note text, DROP COLUMN total",
        "ALTER TABLE billing.invoices ALTER COLUMN total TYPE bigint USING total::bigint",
        "ALTER TABLE ONLY billing.invoices ALTER total SET DATA TYPE bigint",
        "ALTER TABLE billing.invoices ALTER COLUMN total SET NOT NULL",
        "ALTER TABLE billing.invoices ALTER COLUMN total DROP DEFAULT",
        "ALTER TABLE billing.invoices ADD COLUMN note text NOT NULL",
        "ALTER TABLE billing.invoices RENAME COLUMN total TO amount",
        "ALTER TABLE billing.invoices RENAME TO bills",
        "ALTER TABLE billing.invoices SET SCHEMA other",
        "ALTER TABLE billing.invoices DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE billing.invoices DROP CONSTRAINT invoices_total_check",
        "ALTER VIEW auth.admission_keys RENAME TO keys",
        "ALTER TYPE billing.kind RENAME VALUE 'a' TO 'b'",
        "REVOKE SELECT ON billing.invoices FROM llmo_billing",
        "DO $$ BEGIN EXECUTE 'DROP TABLE billing.' || 'invoices'; END $$",
        "DO LANGUAGE plpgsql $body$ BEGIN DELETE FROM billing.invoices; END $body$",
        "VACUUM FULL billing.invoices",
    ],
)
def test_what_takes_away_is_named(statement: str) -> None:
    first_word = statement.partition(" ")[0]
    (found,) = contractions(f"CREATE TABLE billing.other (id uuid); {statement}")
    assert found.startswith(f"{first_word} ")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE a.t (id uuid, gone text); ALTER TABLE a.t DROP COLUMN gone; UPDATE a.t SET id = NULL",
        "ALTER TABLE a.t ADD COLUMN n integer NOT NULL DEFAULT 0, ADD COLUMN o text CHECK (o IS NOT NULL)",
        "ALTER TABLE a.t ADD COLUMN n text GENERATED ALWAYS AS (o || 'x') STORED NOT NULL",
        "ALTER TABLE a.t ADD n uuid; UPDATE a.t SET n = (SELECT 1 FROM a.u WHERE true), n = f(1, 2) WHERE n IS NULL",
        "ALTER TABLE a.t ALTER COLUMN n SET NOT NULL, ALTER COLUMN n SET DEFAULT gen_random_uuid()",
        "ALTER TABLE a.t ALTER n DROP NOT NULL; ALTER TABLE a.t ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE a.t DROP CONSTRAINT kinds, ADD CONSTRAINT kinds CHECK (kind IN ('a', 'b'))",
        "DROP VIEW a.v; CREATE VIEW a.v AS SELECT 1; DROP POLICY p ON a.t; CREATE POLICY p ON a.t USING (true)",
        "DROP INDEX a.of_t; CREATE UNIQUE INDEX of_t ON a.t (id)",
        "CREATE FUNCTION a.f() RETURNS void LANGUAGE sql AS $$ DELETE FROM a.t; DROP TABLE a.t $$",
        "CREATE FUNCTION a.f(x text) RETURNS int RETURN 1; REVOKE EXECUTE ON FUNCTION a.f(x) FROM PUBLIC",
        "GRANT CREATE ON SCHEMA a TO r; REVOKE CREATE ON SCHEMA a FROM r; REVOKE r FROM CURRENT_USER",
        "INSERT INTO a.t VALUES ('DROP TABLE a.t; --', $x$; DELETE FROM a.t;$x$, E'it\\'s; TRUNCATE a.t')",
        "INSERT INTO a.t VALUES (1) ON CONFLICT DO NOTHING",
        "ALTER TYPE a.kind ADD VALUE 'c'; COMMENT ON TABLE a.t IS 'Once; DROP TABLE a.t'; -- DROP TABLE a.t;",
        "UPDATE public.schema_version SET version_num='0002' WHERE public.schema_version.version_num = '0001'",
        'CREATE TABLE a."drop table; x" (id uuid)',
        "",
    ],
)
def test_what_adds_is_let_through(sql: str) -> None:
    assert contractions(sql) == ()


def test_a_table_of_another_name_is_no_replacement() -> None:
    sql = "DROP TABLE a.t; CREATE TABLE a.t2 (id uuid); ALTER TABLE a.u ADD COLUMN n int; UPDATE a.v SET n = 1"
    assert contractions(sql) == ("DROP TABLE a.t", "UPDATE a.v SET n = 1")
