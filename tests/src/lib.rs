//! Real hosts on one machine: network namespaces, daemons, faults.
