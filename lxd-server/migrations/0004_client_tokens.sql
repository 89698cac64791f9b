-- A token that lets a client add its own certificate: id is its operation's. expires_at: '' for never.
CREATE TABLE client_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    secret TEXT NOT NULL,
    addresses TEXT NOT NULL,
    restricted INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The projects that a restricted one is for.
CREATE TABLE client_tokens_projects (
    token_id TEXT NOT NULL REFERENCES client_tokens (id) ON DELETE CASCADE,
    project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    PRIMARY KEY (token_id, project_id)
) STRICT, WITHOUT ROWID;
