-- What takes back the steps of founding or joining a cluster that is under way: JSON, see app/undo_log.rs.
CREATE TABLE IF NOT EXISTS undo_log (
    number INTEGER PRIMARY KEY,
    undo TEXT NOT NULL
) STRICT;
