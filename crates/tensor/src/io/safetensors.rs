//! Named tensors in one file: the safetensors format. It is eight bytes with the length of a header, the header in JSON, and
//! the tensors' bytes, each where the header says.
//!
//! Invariant: a file whose tensors overlap, leave a hole or do not end with the file is refused before memory is asked for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use super::bytes::{from_bytes, to_bytes};
use super::json::{Json, quote};
use super::stored::Stored;
use super::{malformed, read, unsupported, write_atomic};
use crate::any::AnyTensor;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::shape::Shape;

/// The name under which a header keeps its texts.
const METADATA: &str = "__metadata__";

/// Named tensors and some texts about them, as a safetensors file holds them.
///
/// ```
/// use wengert::Tensor;
/// use wengert::tensor::Safetensors;
/// let mut file = Safetensors::default();
/// file.tensors.insert("weight".into(), Tensor::new([1.0f32, 2.0]).into());
/// let read = Safetensors::from_bytes(&file.to_bytes()?)?;
/// assert_eq!(read.tensors["weight"].downcast::<f32>()?.to_vec(), [1.0, 2.0]);
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Safetensors {
    /// The tensors by name.
    pub tensors: BTreeMap<String, AnyTensor>,
    /// Texts by name.
    pub metadata: BTreeMap<String, String>,
}

impl Safetensors {
    /// What a file holds.
    ///
    /// # Errors
    /// If the file cannot be read, is no safetensors file, or holds a type that tensors have not.
    pub fn load(path: impl AsRef<Path>) -> Result<Safetensors> {
        let path = path.as_ref();
        Safetensors::from_bytes(&read("load", path)?).map_err(|e| e.in_file(path))
    }

    /// What the bytes of a file hold. Types that tensors have not are widened: F16, BF16, F8_E4M3 and F8_E5M2 to `f32`;
    /// I8, I16 and U16 to `i32`; U32 and U64 (up to the largest `i64`) to `i64`.
    ///
    /// # Errors
    /// If they are no safetensors file, or hold a type that tensors have not.
    pub fn from_bytes(bytes: &[u8]) -> Result<Safetensors> {
        let (header, data) = parts(bytes)?;
        check_spans(header, data.len())?;
        let mut out = Safetensors::default();
        let offset = bytes.len() - data.len();
        each_entry(header, |json, name, entry| {
            let Entry::Tensor(entry) = entry else {
                return texts(json, &mut out.metadata);
            };
            let twice = |json: &Json<'_>| json.wrong("the header names a tensor twice");
            if out.tensors.contains_key(&*name) {
                return Err(twice(json));
            }
            let (from, to) = entry.span;
            let shape = entry.shape;
            let part = &data[from..to];
            let t = from_bytes(
                "safetensors",
                entry.dtype,
                shape,
                part,
                offset + from,
                false,
            )?;
            out.tensors.insert(name.into_owned(), t);
            Ok(())
        })?;
        Ok(out)
    }

    /// The bytes of a file that holds this.
    ///
    /// # Errors
    /// If a name is `__metadata__`, which the format keeps for the texts.
    #[track_caller]
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        if self.tensors.contains_key(METADATA) {
            let rule = "no tensor is named __metadata__";
            return Err(Error::invalid("to_bytes", "name", METADATA, rule));
        }
        // The widest elements first: each tensor then begins at a multiple of its elements' size.
        let mut tensors: Vec<_> = self.tensors.iter().collect();
        tensors.sort_by_key(|(_, t)| std::cmp::Reverse(t.dtype().size()));
        let mut header = String::from("{");
        if !self.metadata.is_empty() {
            quote(METADATA, &mut header);
            for (i, (name, text)) in self.metadata.iter().enumerate() {
                header.push_str(if i == 0 { ":{" } else { "," });
                quote(name, &mut header);
                header.push(':');
                quote(text, &mut header);
            }
            header.push('}');
        }
        let mut at = 0;
        for (name, t) in &tensors {
            if header.len() > 1 {
                header.push(',');
            }
            quote(name, &mut header);
            let (code, end) = (code(t.dtype()), at + t.len() * t.dtype().size());
            let sizes: Vec<String> = t.shape().iter().map(usize::to_string).collect();
            let sizes = sizes.join(",");
            header.push_str(&format!(
                ":{{\"dtype\":\"{code}\",\"shape\":[{sizes}],\"data_offsets\":[{at},{end}]}}"
            ));
            at = end;
        }
        header.push('}');
        // So that the data begins at a multiple of eight bytes.
        while header.len() % 8 != 0 {
            header.push(' ');
        }
        let mut out = Vec::with_capacity(8 + header.len() + at);
        out.extend((header.len() as u64).to_le_bytes());
        out.extend(header.as_bytes());
        for (_, t) in tensors {
            out.extend(to_bytes(t));
        }
        Ok(out)
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written, or a name is `__metadata__`.
    #[track_caller]
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let bytes = self.to_bytes()?;
        write_atomic(path, |f| f.write_all(&bytes))
    }
}

/// The name that a header has for a type of elements.
fn code(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "F32",
        DType::F64 => "F64",
        DType::I64 => "I64",
        DType::I32 => "I32",
        DType::U8 => "U8",
        DType::Bool => "BOOL",
    }
}

/// The header and the data of a file.
fn parts(bytes: &[u8]) -> Result<(&str, &[u8])> {
    let wrong = |at, reason: String| malformed("safetensors", at, reason);
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        let reason = format!("a header needs 8 bytes, there are {}", bytes.len());
        return Err(wrong(0, reason));
    };
    let length = u64::from_le_bytes(*length);
    let within = usize::try_from(length).ok().filter(|n| *n <= rest.len());
    let Some(length) = within else {
        let reason = format!(
            "a header of {length} bytes, of which {} are there",
            rest.len()
        );
        return Err(wrong(0, reason));
    };
    let (header, data) = rest.split_at(length);
    match std::str::from_utf8(header) {
        Ok(header) => Ok((header, data)),
        Err(e) => Err(wrong(8 + e.valid_up_to(), "the header is no UTF-8".into())),
    }
}

/// A value of the header's object.
enum Entry {
    Tensor(TensorEntry),
    /// The texts, which are still to be read.
    Texts,
}

struct TensorEntry {
    dtype: Stored,
    shape: Shape,
    /// Where its bytes begin and end in the data.
    span: (usize, usize),
}

/// Calls `f` with each entry of a header, in order.
fn each_entry<'a>(
    header: &'a str,
    mut f: impl FnMut(&mut Json<'a>, Cow<'a, str>, Entry) -> Result<()>,
) -> Result<()> {
    let mut json = Json::new(header, 8);
    json.object(|json, name| {
        if name == METADATA {
            return f(json, name, Entry::Texts);
        }
        let entry = Entry::Tensor(tensor_entry(json, &name)?);
        f(json, name, entry)
    })?;
    json.end()
}

/// An entry's type, shape and place; the bytes must be as many as the shape wants.
fn tensor_entry(json: &mut Json<'_>, name: &str) -> Result<TensorEntry> {
    let (mut dtype, mut shape, mut span) = (None, None, None);
    json.object(|json, key| {
        match &*key {
            "dtype" => {
                let told = json.string()?;
                dtype = Some(match Stored::of_safetensors(&told) {
                    Some(dtype) => dtype,
                    None => {
                        let kind = if told.starts_with('C') {
                            ": complex numbers"
                        } else {
                            ""
                        };
                        let reason = format!("{name} is of element type {told}{kind}");
                        return Err(unsupported("safetensors", 8, reason));
                    }
                });
            }
            "shape" => {
                let mut sizes = Shape::new();
                json.array(|json| json.number().map(|n| sizes.push(n)))?;
                shape = Some(sizes);
            }
            "data_offsets" => {
                json.expect(b'[')?;
                let from = json.number()?;
                json.expect(b',')?;
                span = Some((from, json.number()?));
                json.expect(b']')?;
            }
            _ => return Err(json.wrong(format!("{name} has {key:?}, which the format has not"))),
        }
        Ok(())
    })?;
    let (Some(dtype), Some(shape), Some((from, to))) = (dtype, shape, span) else {
        let reason = format!("{name} wants a dtype, a shape and data_offsets");
        return Err(json.wrong(reason));
    };
    let bytes = shape
        .checked_numel()
        .and_then(|n| n.checked_mul(dtype.size()));
    if bytes.is_none() || bytes != to.checked_sub(from) {
        let reason = format!("{name}: {dtype} {shape} does not fill bytes {from} to {to}");
        return Err(json.wrong(reason));
    }
    Ok(TensorEntry {
        dtype,
        shape,
        span: (from, to),
    })
}

/// Reads the texts; where one has a name again, the last counts.
fn texts(json: &mut Json<'_>, out: &mut BTreeMap<String, String>) -> Result<()> {
    json.object(|json, name| {
        let text = json.string()?.into_owned();
        out.insert(name.into_owned(), text);
        Ok(())
    })
}

/// Every byte of the data belongs to one tensor. Of a header that passes, no entry is larger than the file.
fn check_spans(header: &str, len: usize) -> Result<()> {
    let mut spans = Vec::new();
    each_entry(header, |json, _, entry| match entry {
        Entry::Tensor(entry) => {
            spans.push(entry.span);
            Ok(())
        }
        Entry::Texts => json.object(|json, _| json.string().map(|_| ())),
    })?;
    spans.sort_unstable();
    let mut at = 0;
    for (from, to) in spans {
        if from != at {
            let what = if from < at { "overlap" } else { "leave a hole" };
            let reason = format!("the tensors {what} at byte {from} of the data");
            return Err(malformed("safetensors", 8, reason));
        }
        at = to;
    }
    if at != len {
        let reason = format!("the tensors have {at} bytes, the file {len}");
        return Err(malformed("safetensors", 8, reason));
    }
    Ok(())
}
