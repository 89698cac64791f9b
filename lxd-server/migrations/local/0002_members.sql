-- Where the members of the cluster were last: whom to ask for a new place if this host's replica is lost.
CREATE TABLE IF NOT EXISTS members (
    address TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
