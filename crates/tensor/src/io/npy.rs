//! NumPy's npy files, versions 1 to 3 (`numpy.lib.format`).

use std::path::Path;

use super::bytes::{from_bytes, reversed, to_bytes};
use super::stored::Stored;
use super::{Sizes, beginning, malformed, read, unsupported, write_atomic};
use crate::any::AnyTensor;
use crate::dtype::DType;
use crate::element::Element;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tensor::Tensor;

const MAGIC: &[u8] = b"\x93NUMPY";

impl AnyTensor {
    /// The tensor in an npy file, of whatever element type it has.
    ///
    /// # Errors
    /// If the file cannot be read, is no npy file, or holds a type that tensors have not.
    pub fn load_npy(path: impl AsRef<Path>) -> Result<AnyTensor> {
        let path = path.as_ref();
        AnyTensor::from_npy(&read("load_npy", path)?).map_err(|e| e.in_file(path))
    }

    /// The tensor in the bytes of an npy file, versions 1 to 3, of either byte order, in C or Fortran
    /// order. Types that tensors have not are widened: float16 to `f32`; int8, int16 and uint16 to `i32`; uint32 and
    /// uint64 (up to the largest `i64`) to `i64`.
    ///
    /// # Errors
    /// If the bytes are no npy file, or hold a type that tensors have not.
    pub fn from_npy(bytes: &[u8]) -> Result<AnyTensor> {
        let mut header = Header::parse(bytes)?;
        let need = header
            .sizes
            .count()
            .and_then(|n| n.checked_mul(header.dtype.size()));
        let data = &bytes[header.end..];
        if need != Some(data.len()) {
            let reason = format!(
                "the header says {} {}, which {} bytes, but {} follow",
                header.dtype,
                header.sizes,
                need.map_or("overflows the".to_string(), |n| format!("takes {n}")),
                data.len()
            );
            return Err(malformed("npy", header.end, reason));
        }
        let mut shape = Shape::new();
        header.shape.tuple(|size| shape.push(size))?;
        if header.fortran {
            shape = shape.iter().rev().copied().collect();
        }
        let t = from_bytes(
            "npy",
            header.dtype,
            shape,
            data,
            header.end,
            header.big_endian,
        )?;
        if header.fortran { reversed(&t) } else { Ok(t) }
    }

    /// The bytes of an npy file (version 1.0, or 2.0 where the header is long).
    pub fn to_npy(&self) -> Vec<u8> {
        let code = match self.dtype() {
            DType::F32 => "<f4",
            DType::F64 => "<f8",
            DType::I64 => "<i8",
            DType::I32 => "<i4",
            DType::U8 => "|u1",
            DType::Bool => "|b1",
        };
        let shape: String = self.shape().iter().map(|d| format!("{d}, ")).collect();
        let shape = if self.shape().len() == 1 {
            shape.trim_end()
        } else {
            shape.trim_end_matches(", ")
        };
        let text = format!("{{'descr': '{code}', 'fortran_order': False, 'shape': ({shape}), }}");
        let long = text.len() + 64 > u16::MAX as usize;
        let before = MAGIC.len() + 2 + if long { 4 } else { 2 };
        // The data start at a multiple of 64, the line ends before them.
        let length = (before + text.len() + 1).next_multiple_of(64) - before;
        let mut out = MAGIC.to_vec();
        out.extend([if long { 2 } else { 1 }, 0]);
        match long {
            true => out.extend((length as u32).to_le_bytes()),
            false => out.extend((length as u16).to_le_bytes()),
        }
        out.extend(text.as_bytes());
        out.resize(before + length - 1, b' ');
        out.push(b'\n');
        out.extend(to_bytes(self));
        out
    }
}

/// # Files
impl<T: Element> Tensor<T> {
    /// The tensor in an npy file, whose elements must be of type `T`.
    ///
    /// # Errors
    /// If the file cannot be read, is no npy file, or holds another type ([`AnyTensor::load_npy`] takes
    /// any).
    #[track_caller]
    pub fn load_npy(path: impl AsRef<Path>) -> Result<Tensor<T>> {
        let path = path.as_ref();
        match AnyTensor::load_npy(path)?.downcast() {
            Ok(t) => Ok(t),
            Err(e) => Err(e.rename("load_npy").in_file(path)),
        }
    }

    /// Writes an npy file, whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let path = std::env::temp_dir().join(format!("wengert-{}.npy", std::process::id()));
    /// Tensor::new([[1.0f32, 2.0], [3.0, 4.0]]).save_npy(&path)?;
    /// assert_eq!(Tensor::<f32>::load_npy(&path)?.to_vec(), [1.0, 2.0, 3.0, 4.0]);
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), wengert::Error>(())
    /// ```
    pub fn save_npy(&self, path: impl AsRef<Path>) -> Result<()> {
        let bytes = AnyTensor::from(self).to_npy();
        write_atomic(path, |f| f.write_all(&bytes))
    }
}

struct Header<'a> {
    dtype: Stored,
    big_endian: bool,
    fortran: bool,
    sizes: Sizes,
    /// Where the sizes stand.
    shape: Literal<'a>,
    /// Where the data start.
    end: usize,
}

impl<'a> Header<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Header<'a>> {
        if !bytes.starts_with(MAGIC) {
            return Err(malformed(
                "npy",
                0,
                "the file does not start with \\x93NUMPY",
            ));
        }
        let at = |range: std::ops::Range<usize>| {
            let short = || malformed("npy", bytes.len(), "the file ends within its header");
            bytes.get(range).ok_or_else(short)
        };
        let version = at(6..8)?;
        let (length, start) = match version[0] {
            1 => {
                let l = at(8..10)?;
                (u16::from_le_bytes([l[0], l[1]]) as usize, 10)
            }
            2 | 3 => {
                let l = at(8..12)?;
                (u32::from_le_bytes([l[0], l[1], l[2], l[3]]) as usize, 12)
            }
            v => {
                return Err(malformed(
                    "npy",
                    6,
                    format!("version {v} is none of 1, 2, 3"),
                ));
            }
        };
        let end = start + length;
        let text = std::str::from_utf8(at(start..end)?)
            .map_err(|e| malformed("npy", start + e.valid_up_to(), "the header is not text"))?;
        let mut reader = Literal { text, at: 0, start };
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        reader.expect("{")?;
        while !reader.take("}") {
            let offset = start + reader.at;
            let key = reader.string()?;
            reader.expect(":")?;
            match key {
                "descr" if descr.is_none() => descr = Some((start + reader.at, reader.string()?)),
                "fortran_order" if fortran.is_none() => fortran = Some(reader.bool()?),
                "shape" if shape.is_none() => {
                    let (place, mut sizes) = (reader.clone(), Sizes::new());
                    reader.tuple(|size| sizes.push(size))?;
                    shape = Some((place, sizes));
                }
                _ => {
                    let reason = format!("unexpected key {:?}", beginning(key));
                    return Err(malformed("npy", offset, reason));
                }
            }
            if !reader.take(",") {
                reader.expect("}")?;
                break;
            }
        }
        if !reader.rest().trim().is_empty() {
            return Err(reader.wrong("nothing"));
        }
        let (Some((offset, descr)), Some(fortran), Some((shape, sizes))) = (descr, fortran, shape)
        else {
            let reason = "the header lacks one of descr, fortran_order, shape";
            return Err(malformed("npy", start, reason));
        };
        let Some(dtype) = descr.get(1..).and_then(Stored::of_npy) else {
            return Err(unsupported("npy", offset, what(descr)));
        };
        let big_endian = match descr.as_bytes()[0] {
            b'>' => true,
            b'<' => false,
            b'=' => cfg!(target_endian = "big"),
            b'|' if dtype.size() == 1 => false,
            _ => return Err(unsupported("npy", offset, what(descr))),
        };
        Ok(Header {
            dtype,
            big_endian,
            fortran,
            sizes,
            shape,
            end,
        })
    }
}

/// A type of elements that is not read, in words.
fn what(descr: &str) -> String {
    let kind = match descr
        .trim_start_matches(['<', '>', '=', '|'])
        .chars()
        .next()
    {
        Some('c') => ": complex numbers",
        Some('O') => ": Python objects",
        Some('U' | 'S' | 'a' | 'T') => ": texts",
        Some('M' | 'm') => ": times",
        Some('V') => ": records of bytes",
        Some('f') => ": floats of another width",
        _ => "",
    };
    format!("element type {:?}{kind}", beginning(descr))
}

/// A reader of the Python literals that headers are made of.
#[derive(Clone)]
struct Literal<'a> {
    text: &'a str,
    at: usize,
    /// Of the header in the file.
    start: usize,
}

impl<'a> Literal<'a> {
    fn rest(&self) -> &'a str {
        self.text[self.at..].trim_start()
    }
    fn wrong(&self, wanted: &str) -> Error {
        let rest: String = self.rest().chars().take(12).collect();
        malformed(
            "npy",
            self.start + self.at,
            format!("{wanted} should stand before {rest:?}"),
        )
    }
    /// Moves behind what is taken off the rest.
    fn advance(&mut self, rest: &str) {
        self.at = self.text.len() - rest.len();
    }
    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().strip_prefix(token);
        if let Some(rest) = found {
            self.advance(rest);
        }
        found.is_some()
    }
    fn expect(&mut self, token: &str) -> Result<()> {
        if self.take(token) {
            Ok(())
        } else {
            Err(self.wrong(token))
        }
    }
    fn string(&mut self) -> Result<&'a str> {
        let rest = self.rest();
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let parts = quote.and_then(|q| rest[1..].split_once(q));
        let Some((text, rest)) = parts else {
            return Err(self.wrong("a text"));
        };
        self.advance(rest);
        Ok(text)
    }
    fn bool(&mut self) -> Result<bool> {
        if self.take("True") {
            Ok(true)
        } else if self.take("False") {
            Ok(false)
        } else {
            Err(self.wrong("True or False"))
        }
    }
    /// A tuple of sizes.
    fn tuple(&mut self, mut item: impl FnMut(usize)) -> Result<()> {
        self.expect("(")?;
        while !self.take(")") {
            let rest = self.rest();
            let digits = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            let Ok(n) = rest[..digits].parse() else {
                return Err(self.wrong("a size"));
            };
            item(n);
            self.advance(&rest[digits..]);
            if !self.take(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(())
    }
}
