//! Facts of the host: its name, its architecture.

/// LXD's numbers and names of architectures.
const ARCHITECTURES: [(i64, &str); 12] = [
    (1, "i686"),
    (2, "x86_64"),
    (3, "armv7l"),
    (4, "aarch64"),
    (5, "ppc"),
    (6, "ppc64"),
    (7, "ppc64le"),
    (8, "s390x"),
    (9, "mips"),
    (10, "mips64"),
    (11, "riscv32"),
    (12, "riscv64"),
];

/// The host's name, without its domain.
pub fn name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// LXD's number of the host's architecture; 0 if it has none for it.
pub fn architecture_id() -> i64 {
    let machine = rustix::system::uname().machine().to_string_lossy().into_owned();
    ARCHITECTURES.iter().find(|(_, name)| *name == machine).map_or(0, |(id, _)| *id)
}

/// LXD's name of an architecture that it has a number for.
pub fn architecture_name(id: i64) -> &'static str {
    ARCHITECTURES.iter().find(|(known, _)| *known == id).map_or("unknown", |(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_has_a_known_architecture() {
        assert_eq!(architecture_name(architecture_id()), std::env::consts::ARCH);
        assert!(!name().is_empty());
    }
}
