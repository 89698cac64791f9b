-- What a token gives its bearer, by key: failure_domain, or what the member chooses for itself as
-- ENTITY.NAME.KEY, such as storage-pool.default.source.
CREATE TABLE tokens_config (
    token_id TEXT NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (token_id, key)
) STRICT, WITHOUT ROWID;

-- Tokens that made a member, by the SHA-256 of the secret: a second bearer is told who was first.
CREATE TABLE tokens_used (
    hash TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    used_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
