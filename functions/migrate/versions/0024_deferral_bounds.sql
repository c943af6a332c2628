-- How much a project has deferred is asked before it defers more: from indexes, without its rows.

CREATE INDEX batches_open_of_project ON integration.batches (org_id, project_id) INCLUDE (total, completed, failed)
    WHERE wakes_at IS NOT NULL;
CREATE INDEX files_bytes ON integration.files (org_id, project_id, expires_at) INCLUDE (bytes) WHERE deleted_at IS NULL;
