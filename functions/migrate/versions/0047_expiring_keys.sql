-- Which API keys will expire, of all organizations, for who reminds their owners; and nothing that could be used.

CREATE VIEW auth.admission_expiring_keys AS
SELECT api_key.id AS key_id, api_key.org_id, api_key.name, api_key.hint, api_key.created_at, api_key.expires_at
FROM auth.api_keys AS api_key
JOIN auth.organizations AS organization ON organization.id = api_key.org_id AND organization.closed_at IS NULL
WHERE api_key.revoked_at IS NULL AND api_key.expires_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM auth.api_keys AS successor WHERE successor.replaces = api_key.id);

CREATE INDEX api_keys_expiring ON auth.api_keys (expires_at) WHERE revoked_at IS NULL AND expires_at IS NOT NULL;
CREATE INDEX api_keys_successor ON auth.api_keys (replaces) WHERE replaces IS NOT NULL;

GRANT SELECT (name, hint, created_at, replaces) ON auth.api_keys TO llmo_admission;
GRANT SELECT ON auth.admission_expiring_keys TO llmo_notification;

GRANT llmo_admission TO CURRENT_USER;
GRANT CREATE ON SCHEMA auth TO llmo_admission;
ALTER VIEW auth.admission_expiring_keys OWNER TO llmo_admission;
REVOKE CREATE ON SCHEMA auth FROM llmo_admission;
REVOKE llmo_admission FROM CURRENT_USER;
