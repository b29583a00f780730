//! IDX files, the format of MNIST: a tensor of bytes, integers or floats, big-endian, gzipped or not.
//!
//! Invariant: the header is believed only as far as bytes follow it.
//!
//! The format: two zero bytes, a byte for the element type (`0x08` u8, `0x09` i8, `0x0B` i16, `0x0C`
//! i32, `0x0D` f32, `0x0E` f64), a byte for the number of axes, four bytes for the size of each, and
//! the elements in row-major order. Tensors have no i8 and no i16; both become i32.

use std::path::Path;

use wengert_tensor::{AnyTensor, Result, Shape, Tensor};

use crate::data::source::{DEFAULT_LIMIT, Source, beyond};

/// Reads an IDX file, gzipped or not (told by its first bytes, not by its name), which may unpack to
/// [`DEFAULT_LIMIT`] bytes.
///
/// # Errors
/// If the file cannot be read, is no IDX file, has fewer or more bytes than its header says, or unpacks
/// to more than the limit.
///
/// ```
/// use wengert::nn::data::idx;
/// let path = std::env::temp_dir().join(format!("wengert-{}.idx", std::process::id()));
/// std::fs::write(&path, [0, 0, 0x08, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9]).unwrap();
/// let t = idx::read(&path)?.downcast::<u8>()?;
/// assert_eq!((t.shape().to_vec(), t.to_vec()), (vec![1, 3], vec![7, 8, 9]));
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
pub fn read(path: impl AsRef<Path>) -> Result<AnyTensor> {
    read_within(path, DEFAULT_LIMIT)
}

/// As [`read`], for a gzipped file that may unpack to `limit` bytes, header included.
///
/// # Errors
/// As [`read`].
#[track_caller]
pub fn read_within(path: impl AsRef<Path>, limit: u64) -> Result<AnyTensor> {
    decode(Source::open(path.as_ref(), limit)?)
}

/// As [`read_within`], from the bytes of a file.
///
/// # Errors
/// If the bytes are no IDX file, fewer or more than the header says, or unpack to more than the limit.
///
/// ```
/// use wengert::nn::data::idx;
/// let t = idx::parse(&[0, 0, 0x0B, 1, 0, 0, 0, 2, 0xFF, 0xFE, 1, 0], 1 << 20)?;
/// assert_eq!(t.downcast::<i32>()?.to_vec(), [-2, 256]);
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
pub fn parse(bytes: &[u8], limit: u64) -> Result<AnyTensor> {
    decode(Source::of("IDX bytes".into(), bytes, limit)?)
}

#[track_caller]
fn decode(mut source: Source<'_>) -> Result<AnyTensor> {
    let magic = source.up_to(4)?;
    let &[0, 0, code, rank] = &magic[..] else {
        return Err(source.wrong(format!(
            "not IDX: the file starts with {magic:02x?}, not with two zeros, a type and a rank"
        )));
    };
    let (name, size) = match code {
        0x08 => ("u8", 1),
        0x09 => ("i8", 1),
        0x0B => ("i16", 2),
        0x0C => ("i32", 4),
        0x0D => ("f32", 4),
        0x0E => ("f64", 8),
        _ => {
            return Err(source.wrong(format!(
                "not IDX: element type 0x{code:02x} is none of 0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e"
            )));
        }
    };
    let axes = source.up_to(4 * rank as u64)?;
    if axes.len() < 4 * rank as usize {
        return Err(source.wrong(format!(
            "cut short: {rank} axes need a header of {} bytes, {} are there",
            4 + 4 * rank as usize,
            4 + axes.len()
        )));
    }
    let shape: Vec<usize> = numbers(&axes, u32::from_be_bytes)
        .map(|d| d as usize)
        .collect();
    let shape = Shape::from_slice(&shape);
    let need = shape.checked_numel().and_then(|n| n.checked_mul(size));
    let Some(need) = need else {
        return Err(source.wrong(format!(
            "the header says {name} {shape}, whose size overflows the address space"
        )));
    };
    let header = 4 + 4 * rank as u64;
    if let Some(limit) = source.limit.filter(|l| header + need as u64 > *l) {
        return Err(source.wrong(format!("the header says {name} {shape}: {}", beyond(limit))));
    }
    let bytes = match source.exactly(need)? {
        Ok(bytes) => bytes,
        Err(came) => {
            let found = match came > need {
                true => "more".to_string(),
                false => format!("only {came}"),
            };
            return Err(source.wrong(format!(
                "the header says {name} {shape}, which takes {need} bytes, but {found} follow"
            )));
        }
    };
    Ok(match code {
        0x08 => Tensor::from_vec(bytes, shape)?.into(),
        0x09 => tensor(&bytes, |b| i8::from_be_bytes(b) as i32, shape)?.into(),
        0x0B => tensor(&bytes, |b| i16::from_be_bytes(b) as i32, shape)?.into(),
        0x0C => tensor(&bytes, i32::from_be_bytes, shape)?.into(),
        0x0D => tensor(&bytes, f32::from_be_bytes, shape)?.into(),
        _ => tensor(&bytes, f64::from_be_bytes, shape)?.into(),
    })
}

fn numbers<'a, const N: usize, T>(
    bytes: &'a [u8],
    f: impl Fn([u8; N]) -> T + 'a,
) -> impl Iterator<Item = T> + 'a {
    bytes
        .chunks_exact(N)
        .map(move |part| f(std::array::from_fn(|i| part[i])))
}

#[track_caller]
fn tensor<const N: usize, T: wengert_tensor::Element>(
    bytes: &[u8],
    f: impl Fn([u8; N]) -> T,
    shape: Shape,
) -> Result<Tensor<T>> {
    Tensor::from_vec(numbers(bytes, f).collect(), shape)
}
