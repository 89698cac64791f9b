-- Servers that were removed from the cluster, by the SHA-256 of their certificate: what each is told when it
-- asks. attended: it was there, and leaves by itself. parts: JSON, the pools and networks that it had made
-- (see app/undo_log.rs). Means nothing while the certificate is trusted again.
CREATE TABLE removals (
    fingerprint TEXT NOT NULL PRIMARY KEY,
    node_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    removed_at TEXT NOT NULL,
    attended INTEGER NOT NULL,
    parts TEXT NOT NULL
) STRICT, WITHOUT ROWID;
