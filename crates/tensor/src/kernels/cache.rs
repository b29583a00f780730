//! How large the processor's L2 cache is, for what cuts its work to stay there.
//!
//! Invariant: the size decides where work is cut, never in which order it is summed: the same bits on every machine
//! of an instruction set.

use std::sync::OnceLock;

/// What is believed where the processor does not say, and how far it is believed: guests of some hypervisors read
/// nothing or nonsense, and groups beyond the largest were not measured.
const GUESS: usize = 1 << 20;
const LEAST: usize = 256 << 10;
const MOST: usize = 2 << 20;

/// Bytes of a core's L2 cache, from 256 KiB to 2 MiB.
pub(crate) fn l2_bytes() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| believed(told()))
}

fn believed(told: Option<usize>) -> usize {
    told.unwrap_or(GUESS).clamp(LEAST, MOST)
}

/// What the processor says: KiB in the upper half of ECX of leaf 8000_0006h, with Intel as with AMD (Intel SDM vol. 2A,
/// CPUID; AMD64 APM vol. 3, E.4.5).
#[cfg(target_arch = "x86_64")]
fn told() -> Option<usize> {
    use std::arch::x86_64::__cpuid;
    const LEAF: u32 = 0x8000_0006;
    // SAFETY: every x86-64 has the instruction. (Later compilers know that by themselves.)
    #[allow(unused_unsafe)]
    let read = |leaf| unsafe { __cpuid(leaf) };
    if read(0x8000_0000).eax < LEAF {
        return None;
    }
    Some((read(LEAF).ecx >> 16) as usize * 1024).filter(|&bytes| bytes > 0)
}

#[cfg(not(target_arch = "x86_64"))]
fn told() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::believed;

    #[test]
    fn what_is_told_is_believed_within_bounds_and_guessed_where_nothing_is() {
        assert_eq!(believed(None), 1 << 20);
        assert_eq!(believed(Some(512 << 10)), 512 << 10);
        assert_eq!(believed(Some(1 << 10)), 256 << 10);
        assert_eq!(believed(Some(1 << 30)), 2 << 20);
    }
}
