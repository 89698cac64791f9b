-- The cluster database. Table and column names are LXD's where it has the same table.
-- Every table is STRICT and has an INTEGER PRIMARY KEY or is WITHOUT ROWID: what is replicated are
-- rows by their keys. A released file is never edited.

-- Members

-- state: 0 member, 1 joining (see joins), 2 evacuated.
-- online: written by the leader when it changes; heartbeat: when the member was last heard of.
-- A server that is in no cluster is the one row ('none', '0.0.0.0'), as in LXD.
CREATE TABLE nodes (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    address TEXT NOT NULL UNIQUE,
    schema INTEGER NOT NULL,
    api_extensions INTEGER NOT NULL,
    heartbeat TEXT NOT NULL,
    state INTEGER NOT NULL,
    online INTEGER NOT NULL,
    arch INTEGER NOT NULL,
    failure_domain_id INTEGER NOT NULL REFERENCES nodes_failure_domains (id)
) STRICT;

CREATE TABLE nodes_failure_domains (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE nodes_config (
    node_id INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (node_id, key)
) STRICT, WITHOUT ROWID;

-- role: 1 database stand-by, promoted first when a voter is lost. Voters are Raft's to know.
CREATE TABLE nodes_roles (
    node_id INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    role INTEGER NOT NULL,
    PRIMARY KEY (node_id, role)
) STRICT, WITHOUT ROWID;

-- Ids of members that left or never came to be; they are never used again.
CREATE TABLE nodes_removed (id INTEGER PRIMARY KEY) STRICT;

CREATE TABLE cluster_groups (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL
) STRICT;

CREATE TABLE nodes_cluster_groups (
    node_id INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    group_id INTEGER NOT NULL REFERENCES cluster_groups (id) ON DELETE CASCADE,
    PRIMARY KEY (node_id, group_id)
) STRICT, WITHOUT ROWID;

-- What is counted across the cluster, e.g. the last node id that was given out.
CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A join token: id is its operation's.
CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    secret TEXT NOT NULL,
    addresses TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A certificate that a token (by its id) or the trust password ('') let in to join, and nothing
-- else. It means nothing past expires_at. node_id: the member made for it, 0 until it is accepted.
CREATE TABLE joins (
    fingerprint TEXT NOT NULL PRIMARY KEY,
    certificate TEXT NOT NULL,
    name TEXT NOT NULL,
    token_id TEXT NOT NULL,
    node_id INTEGER NOT NULL,
    expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Configuration and trust

CREATE TABLE config (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- type: 1 client, 2 server (a member), 3 metrics.
CREATE TABLE certificates (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    type INTEGER NOT NULL,
    name TEXT NOT NULL,
    certificate TEXT NOT NULL,
    restricted INTEGER NOT NULL
) STRICT;

CREATE TABLE certificates_projects (
    certificate_id INTEGER NOT NULL REFERENCES certificates (id) ON DELETE CASCADE,
    project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    PRIMARY KEY (certificate_id, project_id)
) STRICT, WITHOUT ROWID;

-- Projects and profiles

CREATE TABLE projects (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL
) STRICT;

CREATE TABLE projects_config (
    project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (project_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE profiles (
    id INTEGER PRIMARY KEY,
    project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    UNIQUE (project_id, name)
) STRICT;

CREATE TABLE profiles_config (
    profile_id INTEGER NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (profile_id, key)
) STRICT, WITHOUT ROWID;

-- type: 0 none, 1 nic, 2 disk, 3 unix-char, 4 unix-block, 5 usb, 6 gpu, 7 infiniband, 8 proxy,
-- 9 unix-hotplug, 10 tpm, 11 pci.
CREATE TABLE profiles_devices (
    id INTEGER PRIMARY KEY,
    profile_id INTEGER NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    type INTEGER NOT NULL,
    UNIQUE (profile_id, name)
) STRICT;

CREATE TABLE profiles_devices_config (
    profile_device_id INTEGER NOT NULL REFERENCES profiles_devices (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (profile_device_id, key)
) STRICT, WITHOUT ROWID;

-- Networks and storage pools. state: 0 Pending, 1 Created, 2 Errored; of the object in its own
-- table, of the object on one member in the table that ends in _nodes.
-- node_id of a config row: the member that the key belongs to, 0 for keys of all members. It has no
-- foreign key because of that 0: removing a member removes its rows by hand.

-- type: 0 bridge, 1 macvlan, 2 sriov, 3 ovn, 4 physical.
CREATE TABLE networks (
    id INTEGER PRIMARY KEY,
    project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    state INTEGER NOT NULL,
    type INTEGER NOT NULL,
    UNIQUE (project_id, name)
) STRICT;

CREATE TABLE networks_nodes (
    network_id INTEGER NOT NULL REFERENCES networks (id) ON DELETE CASCADE,
    node_id INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    state INTEGER NOT NULL,
    PRIMARY KEY (network_id, node_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX networks_nodes_node_id ON networks_nodes (node_id);

CREATE TABLE networks_config (
    network_id INTEGER NOT NULL REFERENCES networks (id) ON DELETE CASCADE,
    node_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (network_id, node_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE storage_pools (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    driver TEXT NOT NULL,
    description TEXT NOT NULL,
    state INTEGER NOT NULL
) STRICT;

CREATE TABLE storage_pools_nodes (
    storage_pool_id INTEGER NOT NULL REFERENCES storage_pools (id) ON DELETE CASCADE,
    node_id INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    state INTEGER NOT NULL,
    PRIMARY KEY (storage_pool_id, node_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX storage_pools_nodes_node_id ON storage_pools_nodes (node_id);

CREATE TABLE storage_pools_config (
    storage_pool_id INTEGER NOT NULL REFERENCES storage_pools (id) ON DELETE CASCADE,
    node_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (storage_pool_id, node_id, key)
) STRICT, WITHOUT ROWID;

-- What every database starts with

INSERT INTO projects (id, name, description) VALUES (1, 'default', 'Default LXD project');

INSERT INTO projects_config (project_id, key, value) VALUES
    (1, 'features.images', 'true'),
    (1, 'features.networks', 'true'),
    (1, 'features.profiles', 'true'),
    (1, 'features.storage.volumes', 'true');

INSERT INTO profiles (id, project_id, name, description)
VALUES (1, 1, 'default', 'Default LXD profile');

INSERT INTO nodes_failure_domains (id, name) VALUES (0, 'default');

INSERT INTO cluster_groups (id, name, description) VALUES (1, 'default', 'Default cluster group');

INSERT INTO nodes (
    id, name, description, address, schema, api_extensions, heartbeat, state, online, arch,
    failure_domain_id
) VALUES (1, 'none', '', '0.0.0.0', 1, 0, '', 0, 1, 0, 0);

INSERT INTO nodes_cluster_groups (node_id, group_id) VALUES (1, 1);

INSERT INTO counters (name, value) VALUES ('node', 1);
