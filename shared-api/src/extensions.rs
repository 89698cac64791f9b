//! What this server can do beyond version 1.0 of the API: clients switch behaviour on by these names.

/// Ours: a token's expiry, failure domain and member-specific keys are chosen as it is made.
pub const JOIN_TOKEN_OPTIONS: &str = "clustering_join_token_options";
/// Ours: a request with an `Idempotency-Key` is done once, whichever members it is sent to.
pub const IDEMPOTENCY_KEY: &str = "idempotency_key";

/// The extensions that work, in LXD's order. Only what is built and tested is listed.
pub const ALL: &[&str] = &[
    "etag",
    "patch",
    "https_allowed_credentials",
    "network",
    "profile_usedby",
    "certificate_update",
    "storage",
    "storage_btrfs_mount_options",
    "entity_description",
    "storage_volatile_initial_source",
    "operation_description",
    "clustering",
    "event_lifecycle",
    "clustering_join",
    "projects",
    "clustering_server_address",
    "event_location",
    "clustering_roles",
    "clustering_architecture",
    "clustering_sizing",
    "firewall_driver",
    "clustering_edit_roles",
    "api_os",
    "clustering_failure_domains",
    "certificate_project",
    "clustering_join_token",
    "clustering_description",
    "clustering_update_cert",
    "server_supported_storage_drivers",
    "event_lifecycle_requestor_address",
    "metrics",
    "clustering_config",
    "database_leader",
    "clustering_groups",
    "event_project",
    "certificate_token",
    "metrics_authentication",
    "cluster_join_token_expiry",
    "remote_token_expiry",
    IDEMPOTENCY_KEY,
    JOIN_TOKEN_OPTIONS,
];
