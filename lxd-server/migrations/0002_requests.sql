-- Requests that came with an Idempotency-Key, so that a repeat has the first one's effect and answer.

-- id: SHA-256 of the caller and its key; digest: of the key and what was asked for, so that only who
-- knows the key can try what it was. caller: such as 'tls FINGERPRINT'. minute: what the counter of
-- that name said. node_id: the member that took the request first; runner_id, runner: the member that
-- works on it, and which run of its daemon.
CREATE TABLE requests (
    id TEXT NOT NULL PRIMARY KEY,
    caller TEXT NOT NULL,
    digest TEXT NOT NULL,
    minute INTEGER NOT NULL,
    node_id INTEGER NOT NULL,
    runner_id INTEGER NOT NULL,
    runner TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX requests_caller ON requests (caller);

CREATE INDEX requests_minute ON requests (minute);

-- What of a request has happened. step: the number of a write, with what it returned; 'end', with how
-- the last write ended it; 'answer', with what its client was told.
CREATE TABLE requests_steps (
    request_id TEXT NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (request_id, step)
) STRICT, WITHOUT ROWID;

-- Minutes that have passed by the leaders' clocks while there were requests to forget.
INSERT INTO counters (name, value) VALUES ('minute', 0);

UPDATE nodes SET schema = 2;
