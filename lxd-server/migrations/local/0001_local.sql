-- What only this host knows. A released file is never edited.

-- Server configuration that is this member's own, e.g. core.https_address.
CREATE TABLE config (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- directory: the replica in use, below database/. joining: one that a join under way prepares, or ''.
CREATE TABLE replica (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    directory TEXT NOT NULL,
    joining TEXT NOT NULL
) STRICT;
