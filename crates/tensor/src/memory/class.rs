//! Size classes: which sizes share a free list.
//!
//! Nothing (a view, and a node of the tape, fit a header), then steps of 64 bytes to 512, then eight steps to each doubling, so a block is at most an eighth larger than was asked
//! (or 64 bytes). Invariant: `size(of(n)) >= n`, and `of(size(c)) == c`.

/// The largest size that a thread keeps for itself.
pub(super) const SMALL: usize = 64 << 10;
/// Classes up to and including [`SMALL`].
pub(super) const SMALL_CLASSES: usize = 65;
/// All classes.
pub(super) const CLASSES: usize = of(LARGEST) + 1;
/// The largest size that has a class: 1 TiB, or 2 GiB where pointers have 32 bits. What is larger is never cached.
pub(super) const LARGEST: usize = 1
    << if usize::BITS < 41 {
        usize::BITS - 1
    } else {
        40
    };

const _: () = assert!(of(SMALL) + 1 == SMALL_CLASSES && size(SMALL_CLASSES - 1) == SMALL);

/// The class of `bytes`, which must be at most [`LARGEST`].
#[inline]
pub(super) const fn of(bytes: usize) -> usize {
    if bytes <= 512 {
        return bytes.div_ceil(64);
    }
    let last = bytes - 1;
    let log = last.ilog2() as usize;
    (log - 9) * 8 + (last >> (log - 3)) + 1 // the quotient is 8 to 15, so the first class here is 9
}

/// The largest number of bytes in `class`.
#[inline]
pub(super) const fn size(class: usize) -> usize {
    if class < 9 {
        return class * 64;
    }
    let (doubling, step) = ((class - 9) / 8, (class - 9) % 8);
    (8 + step + 1) << (doubling + 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_holds_its_sizes_and_wastes_an_eighth_at_most() {
        assert_eq!(of(0), 0);
        for class in 0..CLASSES {
            let (top, bottom) = (
                size(class),
                if class == 0 { 0 } else { size(class - 1) + 1 },
            );
            assert!(bottom <= top, "{class}");
            assert_eq!((of(bottom), of(top)), (class, class));
            assert_eq!(top % 64, 0);
            assert!(
                top - bottom < 64.max(bottom / 8 + 1),
                "{class}: {bottom}..={top}"
            );
        }
        assert_eq!(size(CLASSES - 1), LARGEST);
    }
}
