//! The randomness of a process that simulates: a function of its seed.
//!
//! std's hash maps, rand's generators and tokio's random order of wake-ups all come from getrandom(2). This
//! stands in its place in the test program, so they all replay.
#![allow(unsafe_code)]

use std::io::Read;
use std::sync::OnceLock;

/// The seed that this process was started to simulate.
pub(super) fn seed() -> Option<u64> {
    static SEED: OnceLock<Option<u64>> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "tests have no arguments of their own")]
    *SEED.get_or_init(|| std::env::var("SIMULATION_SEED").ok()?.parse().ok())
}

/// Fills `buffer` and returns `size`. The same bytes at each call: threads race for them.
#[unsafe(no_mangle)]
extern "C" fn getrandom(buffer: *mut u8, size: usize, _flags: u32) -> isize {
    if size == 0 {
        return 0;
    }
    // SAFETY: by getrandom(2), `buffer` has room for `size` bytes, and nobody else uses it meanwhile.
    let bytes = unsafe {
        buffer.write_bytes(0, size);
        std::slice::from_raw_parts_mut(buffer, size)
    };
    match seed() {
        Some(seed) => {
            for (place, byte) in bytes.iter_mut().enumerate() {
                *byte = mixed(seed.wrapping_add(place as u64)).to_le_bytes()[0];
            }
        }
        None => {
            let source = std::fs::File::open("/dev/urandom");
            let read = source.and_then(|mut source| source.read_exact(bytes));
            read.expect("/dev/urandom can be read");
        }
    }
    isize::try_from(size).unwrap_or(-1)
}

/// SplitMix64.
fn mixed(number: u64) -> u64 {
    let a = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let b = (a ^ (a >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let c = (b ^ (b >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    c ^ (c >> 31)
}
