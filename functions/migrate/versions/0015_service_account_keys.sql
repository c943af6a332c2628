-- API keys of service accounts: one belongs to a member, to a service account, or to nobody.

ALTER TABLE auth.api_keys ADD COLUMN service_account_id uuid; -- it ends when the account is disabled
ALTER TABLE auth.api_keys ADD FOREIGN KEY (service_account_id, org_id) REFERENCES auth.service_accounts (id, org_id);
ALTER TABLE auth.api_keys ADD CHECK (user_id IS NULL OR service_account_id IS NULL);

CREATE INDEX api_keys_service_account ON auth.api_keys (service_account_id) WHERE revoked_at IS NULL;
