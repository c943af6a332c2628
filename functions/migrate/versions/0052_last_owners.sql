-- An organization that is closed has no members any more, and still a last invoice and a subscription that ends: who
-- owned it is told of these. Of those whose account is deleted nothing is shown.

ALTER TABLE auth.organizations ADD COLUMN last_owners uuid[];
GRANT UPDATE (last_owners) ON auth.organizations TO llmo_auth;

CREATE VIEW auth.admission_last_owners AS
SELECT person.id AS user_id, person.email, person.name, organization.id AS org_id, organization.name AS organization
FROM auth.organizations AS organization
JOIN auth.users AS person ON person.id = ANY (organization.last_owners)
WHERE organization.closed_at IS NOT NULL AND person.deleted_at IS NULL;

GRANT SELECT (last_owners) ON auth.organizations TO llmo_admission;
GRANT SELECT ON auth.admission_last_owners TO llmo_notification;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA auth TO llmo_admission;
ALTER VIEW auth.admission_last_owners OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA auth FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
