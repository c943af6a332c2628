-- How calls are compared by what they mean, where a policy wants that.

ALTER TABLE integration.policies
    ADD COLUMN semantic_mode text NOT NULL DEFAULT 'shadow' CHECK (semantic_mode IN ('shadow', 'on')),
    ADD COLUMN semantic_threshold double precision NOT NULL DEFAULT 0.94 CHECK (semantic_threshold BETWEEN 0.9 AND 1),
    ADD COLUMN semantic_embedding_model text CHECK (length(semantic_embedding_model) BETWEEN 1 AND 200),
    DROP CONSTRAINT policies_cache_check,
    ADD CONSTRAINT policies_cache_check CHECK (
        cache IN ('exact', 'form', 'off') OR (cache = 'semantic' AND semantic_embedding_model IS NOT NULL)
    );

GRANT UPDATE (semantic_mode, semantic_threshold, semantic_embedding_model) ON integration.policies TO llmo_integration;
