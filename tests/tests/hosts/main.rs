//! Tests that need hosts: real daemons and clients in namespaces, as root.

mod alone;
mod certificates;
mod commands;
mod comparison;
mod comparison_init;
mod demo;
mod devices;
mod dialogs;
mod disk;
mod exactly;
mod faults;
mod forming;
mod groups;
mod harness;
mod joins;
mod kills;
mod minority;
mod normal;
mod places;
mod preseeds;
mod projects;
mod pylxd;
mod remotes;
mod removals;
mod restarts;
