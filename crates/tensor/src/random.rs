//! The generator of random numbers: ChaCha with 12 rounds, passed in, never hidden.
//!
//! Invariant: what is drawn depends on the seed and on what was drawn before alone; not on the
//! number of threads, the instruction set or the machine.

use std::convert::Infallible;

use rand::{Rng as _, SeedableRng, TryRng};
use rand_chacha::ChaCha12Rng;

use crate::kernels::isa::Scalar;
use crate::kernels::math::Math;

/// A seeded generator: the same seed gives the same numbers on every machine and any number of
/// threads.
///
/// It is a ChaCha stream cipher with 12 rounds (Bernstein, 2008) whose position can be saved
/// ([`Rng::state`]). It implements `TryRng` of the `rand` crate, so that crate's distributions
/// draw from it too.
///
/// ```
/// use wengert::{Rng, Tensor};
/// let a = Tensor::<f32>::randn([2, 3], &mut Rng::seed(7));
/// let b = Tensor::<f32>::randn([2, 3], &mut Rng::seed(7));
/// assert_eq!(a, b);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng {
    core: ChaCha12Rng,
}

/// Where a generator stands, to be saved and resumed.
///
/// ```
/// use wengert::Rng;
/// use wengert::tensor::RngState;
/// let mut rng = Rng::seed(1);
/// rng.uniform_f64();
/// let saved = rng.state().to_bytes();
/// let next = rng.uniform_f64();
/// assert_eq!(Rng::from_state(&RngState::from_bytes(&saved)).uniform_f64(), next);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RngState {
    /// The key.
    pub seed: [u8; 32],
    /// The stream under that key.
    pub stream: u64,
    /// The 32-bit words drawn so far.
    pub position: u128,
}

impl RngState {
    /// The state in 56 bytes, little-endian: seed, stream, position.
    pub fn to_bytes(&self) -> [u8; 56] {
        let mut out = [0; 56];
        out[..32].copy_from_slice(&self.seed);
        out[32..40].copy_from_slice(&self.stream.to_le_bytes());
        out[40..].copy_from_slice(&self.position.to_le_bytes());
        out
    }

    /// The state that [`RngState::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8; 56]) -> RngState {
        fn part<const N: usize>(bytes: &[u8; 56], at: usize) -> [u8; N] {
            std::array::from_fn(|i| bytes[at + i])
        }
        RngState {
            seed: part(bytes, 0),
            stream: u64::from_le_bytes(part(bytes, 32)),
            position: u128::from_le_bytes(part(bytes, 40)),
        }
    }
}

/// A 53-bit fraction in [0, 1).
#[inline(always)]
pub(crate) fn unit_f64(word: u64) -> f64 {
    (word >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

impl Rng {
    /// A generator that starts from this seed.
    pub fn seed(seed: u64) -> Rng {
        Rng {
            core: ChaCha12Rng::seed_from_u64(seed),
        }
    }

    /// An independent generator, keyed by 256 bits drawn from this one: for a layer, a data loader
    /// or a thread that must not share its parent's stream.
    ///
    /// ```
    /// use wengert::Rng;
    /// let mut parent = Rng::seed(0);
    /// let (mut a, mut b) = (parent.split(), parent.split());
    /// assert_ne!(a.uniform_f64(), b.uniform_f64());
    /// ```
    pub fn split(&mut self) -> Rng {
        let mut seed = [0; 32];
        self.core.fill_bytes(&mut seed);
        Rng {
            core: ChaCha12Rng::from_seed(seed),
        }
    }

    /// Where the generator stands.
    pub fn state(&self) -> RngState {
        RngState {
            seed: self.core.get_seed(),
            stream: self.core.get_stream(),
            position: self.core.get_word_pos(),
        }
    }

    /// A generator that goes on from a saved state.
    pub fn from_state(state: &RngState) -> Rng {
        let mut core = ChaCha12Rng::from_seed(state.seed);
        core.set_stream(state.stream);
        core.set_word_pos(state.position);
        Rng { core }
    }

    /// A number from the uniform distribution on [0, 1), with 53 random bits.
    pub fn uniform_f64(&mut self) -> f64 {
        unit_f64(self.core.next_u64())
    }

    /// A number from the standard normal distribution, by the Box–Muller transform.
    pub fn normal_f64(&mut self) -> f64 {
        let (a, b) = (self.core.next_u64(), self.core.next_u64());
        box_muller(unit_f64(a), unit_f64(b)).0
    }

    /// An integer from 0 to `n - 1`, each as likely as the other; 0 if `n` is 0.
    ///
    /// Lemire's method with rejection ("Fast random integer generation in an interval", 2019).
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        let reject_below = n.wrapping_neg() % n;
        loop {
            let wide = self.core.next_u64() as u128 * n as u128;
            if wide as u64 >= reject_below {
                return (wide >> 64) as u64;
            }
        }
    }

    /// Puts the items in random order, each order as likely as the other (Fisher–Yates).
    ///
    /// ```
    /// use wengert::Rng;
    /// let mut v = [1, 2, 3, 4, 5];
    /// Rng::seed(3).shuffle(&mut v);
    /// assert_eq!(v.iter().sum::<i32>(), 15);
    /// ```
    pub fn shuffle<X>(&mut self, items: &mut [X]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }

    /// Takes the next `words` 32-bit words: a generator at their start, to be cloned and moved on
    /// by every chunk of a parallel fill.
    pub(crate) fn reserve(&mut self, words: u128) -> Rng {
        let start = self.clone();
        let at = self.core.get_word_pos();
        self.core.set_word_pos(at.wrapping_add(words));
        start
    }

    /// This generator, `words` 32-bit words further on.
    pub(crate) fn ahead(&self, words: u128) -> Rng {
        let mut out = self.clone();
        out.reserve(words);
        out
    }

    /// The next 64 bits, on a 32-bit word's boundary.
    #[inline]
    pub(crate) fn word64(&mut self) -> u64 {
        self.core.next_u64()
    }

    /// The next 32 bits.
    #[inline]
    pub(crate) fn word32(&mut self) -> u32 {
        self.core.next_u32()
    }
}

impl TryRng for Rng {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.core.next_u32())
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.core.next_u64())
    }
    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        self.core.fill_bytes(dst);
        Ok(())
    }
}

/// Two independent standard normals from two uniforms of [0, 1) (Box and Muller, 1958).
#[inline(always)]
pub(crate) fn box_muller(u: f64, v: f64) -> (f64, f64) {
    // 1 - u lies in (0, 1], whose logarithm is finite.
    let r = (-2.0 * Math::ln::<Scalar>(1.0 - u)).sqrt();
    let angle = v * std::f64::consts::TAU;
    (
        r * Math::cos::<Scalar>(angle),
        r * Math::sin::<Scalar>(angle),
    )
}
