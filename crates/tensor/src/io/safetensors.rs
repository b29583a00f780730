//! Named tensors in one file: the safetensors format. It is eight bytes with the length of a header, the header in JSON, and
//! the tensors' bytes, each where the header says.
//!
//! Invariant: what may be wrong with a file is found in a first pass, which keeps some bytes for each entry; tensors and
//! texts are made in a second.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use super::bytes::{self, from_bytes, to_bytes};
use super::json::{Json, quote};
use super::stored::Stored;
use super::{Sizes, beginning, malformed, read, unsupported, write_atomic};
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
        check(header, data, bytes.len() - data.len())?;
        let mut out = Safetensors::default();
        let offset = bytes.len() - data.len();
        each_entry(header, |json, name, entry| {
            let Entry::Tensor(entry) = entry else {
                return texts(json, &mut out.metadata);
            };
            if out.tensors.contains_key(&*name) {
                return Err(json.wrong(TWICE));
            }
            let (from, to) = entry.span;
            let mut shape = Shape::new();
            entry
                .shape
                .clone()
                .array(|json| json.number().map(|n| shape.push(n)))?;
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

/// What is said of a header that has a name again.
const TWICE: &str = "the header names a tensor twice";

/// A value of the header's object.
enum Entry<'a> {
    Tensor(TensorEntry<'a>),
    /// The texts, which are still to be read.
    Texts,
}

struct TensorEntry<'a> {
    dtype: Stored,
    /// Where its sizes stand.
    shape: Json<'a>,
    /// Where its bytes begin and end in the data.
    span: (usize, usize),
}

/// Calls `f` with each entry of a header, in order.
fn each_entry<'a>(
    header: &'a str,
    mut f: impl FnMut(&mut Json<'a>, Cow<'a, str>, Entry<'a>) -> Result<()>,
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
fn tensor_entry<'a>(json: &mut Json<'a>, name: &str) -> Result<TensorEntry<'a>> {
    let name = beginning(name);
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
                        let told = beginning(&told);
                        let reason = format!("{name} is of element type {told}{kind}");
                        return Err(unsupported("safetensors", 8, reason));
                    }
                });
            }
            "shape" => {
                let (place, mut sizes) = (json.clone(), Sizes::new());
                json.array(|json| json.number().map(|n| sizes.push(n)))?;
                shape = Some((place, sizes));
            }
            "data_offsets" => {
                json.expect(b'[')?;
                let from = json.number()?;
                json.expect(b',')?;
                span = Some((from, json.number()?));
                json.expect(b']')?;
            }
            _ => {
                let key = beginning(&key);
                return Err(json.wrong(format!("{name} has {key:?}, which the format has not")));
            }
        }
        Ok(())
    })?;
    let (Some(dtype), Some((shape, sizes)), Some((from, to))) = (dtype, shape, span) else {
        let reason = format!("{name} wants a dtype, a shape and data_offsets");
        return Err(json.wrong(reason));
    };
    let bytes = sizes.count().and_then(|n| n.checked_mul(dtype.size()));
    if bytes.is_none() || bytes != to.checked_sub(from) {
        let reason = format!("{name}: {dtype} {sizes} does not fill bytes {from} to {to}");
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

/// A number for a name, with a key of this call's own, so that no file can know which names share one.
fn hash(key: &RandomState, name: &str) -> u64 {
    key.hash_one(name)
}

/// What may be wrong: every byte of the data belongs to one tensor, no name is there twice, truth values are 0 or 1. Of a
/// header that passes, no entry is larger than the file.
fn check(header: &str, data: &[u8], offset: usize) -> Result<()> {
    let mut count = 0;
    each_entry(header, |json, _, entry| {
        count += 1;
        match entry {
            Entry::Tensor(_) => Ok(()),
            Entry::Texts => json.object(|json, _| json.string().map(|_| ())),
        }
    })?;
    // Room for all at once: a list that grows is half as large again at times.
    let key = RandomState::new();
    let mut names = Vec::with_capacity(count);
    let mut spans = Vec::with_capacity(count);
    each_entry(header, |json, name, entry| match entry {
        Entry::Tensor(entry) => {
            names.push(hash(&key, &name));
            let (from, to) = entry.span;
            spans.push((from, to));
            let part = data.get(from..to).unwrap_or_default();
            bytes::check("safetensors", entry.dtype, part, offset + from, false)
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
    if at != data.len() {
        let reason = format!("the tensors have {at} bytes, the file {}", data.len());
        return Err(malformed("safetensors", 8, reason));
    }
    names.sort_unstable();
    for twice in names.windows(2).filter(|pair| pair[0] == pair[1]) {
        let mut first: Option<Cow<'_, str>> = None;
        each_entry(header, |json, name, entry| {
            if let Entry::Texts = entry {
                return json.object(|json, _| json.string().map(|_| ()));
            }
            if hash(&key, &name) == twice[0] {
                match &first {
                    Some(first) if *first == name => return Err(json.wrong(TWICE)),
                    _ => first = Some(name),
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}
