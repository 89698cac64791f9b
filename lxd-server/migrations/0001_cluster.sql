-- The cluster database. Table and column names are LXD's where it has the same table.
-- Every table is STRICT and has an INTEGER PRIMARY KEY or is WITHOUT ROWID: what is replicated are
-- rows by their keys. A released file is never edited.

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
