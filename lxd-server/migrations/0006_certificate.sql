-- The certificate that all members show and its key, PEM, once it was replaced. Until then it lies beside each
-- member's replica alone.
CREATE TABLE cluster_certificate (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    certificate TEXT NOT NULL,
    key TEXT NOT NULL
) STRICT;
