//! Named tensors in one file: the safetensors format. Its crate checks the header (sizes that
//! overflow, overlaps, holes, trailing bytes); what is checked here is said beside it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use ::safetensors::tensor::{Dtype, SafeTensorError, TensorView};
use ::safetensors::{SafeTensors, serialize};

use super::bytes::{from_bytes, to_bytes};
use super::{malformed, read, unsupported, write_atomic};
use crate::any::AnyTensor;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::shape::Shape;

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
        Safetensors::from_bytes(&read("load", path.as_ref())?)
    }

    /// What the bytes of a file hold.
    ///
    /// # Errors
    /// If they are no safetensors file, or hold a type that tensors have not.
    pub fn from_bytes(bytes: &[u8]) -> Result<Safetensors> {
        let (length, header) = SafeTensors::read_metadata(bytes).map_err(|e| refused(&e))?;
        let file = SafeTensors::deserialize(bytes).map_err(|e| refused(&e))?;
        let data = 8 + length;
        // A name that stands twice is one in the crate's map: its second bytes would be a hole, which
        // the crate refuses, but for tensors without bytes. Those are counted here.
        let names = count_names(&bytes[8..data]);
        let expected = file.len() + usize::from(header.metadata().is_some());
        if names != Some(expected) {
            return Err(malformed(
                "safetensors",
                8,
                "the header names a tensor twice",
            ));
        }
        let mut out = Safetensors::default();
        for (name, view) in file.tensors() {
            let dtype = match view.dtype() {
                Dtype::F32 => DType::F32,
                Dtype::F64 => DType::F64,
                Dtype::I64 => DType::I64,
                Dtype::I32 => DType::I32,
                Dtype::U8 => DType::U8,
                Dtype::BOOL => DType::Bool,
                other => {
                    return Err(unsupported(
                        "safetensors",
                        8,
                        format!("{name} is of element type {other:?}"),
                    ));
                }
            };
            let offset = view.data().as_ptr() as usize - bytes.as_ptr() as usize;
            let shape = Shape::from_slice(view.shape());
            let t = from_bytes("safetensors", dtype, shape, view.data(), offset, false)?;
            out.tensors.insert(name, t);
        }
        if let Some(metadata) = header.metadata() {
            out.metadata = metadata
                .iter()
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
        }
        Ok(out)
    }

    /// The bytes of a file that holds this.
    ///
    /// # Errors
    /// If a name is `__metadata__`, which the format keeps for the texts.
    #[track_caller]
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        if self.tensors.contains_key("__metadata__") {
            let rule = "no tensor is named __metadata__";
            return Err(Error::invalid("to_bytes", "name", "__metadata__", rule));
        }
        let parts: Vec<(&str, Dtype, Vec<usize>, Vec<u8>)> = self
            .tensors
            .iter()
            .map(|(name, t)| {
                let dtype = match t.dtype() {
                    DType::F32 => Dtype::F32,
                    DType::F64 => Dtype::F64,
                    DType::I64 => Dtype::I64,
                    DType::I32 => Dtype::I32,
                    DType::U8 => Dtype::U8,
                    DType::Bool => Dtype::BOOL,
                };
                (name.as_str(), dtype, t.shape().to_vec(), to_bytes(t))
            })
            .collect();
        let mut views = Vec::with_capacity(parts.len());
        for (name, dtype, shape, data) in &parts {
            let view = TensorView::new(*dtype, shape.clone(), data).map_err(|e| refused(&e))?;
            views.push((*name, view));
        }
        let metadata = (!self.metadata.is_empty()).then(|| {
            let pairs = self.metadata.iter().map(|(k, v)| (k.clone(), v.clone()));
            pairs.collect::<HashMap<_, _>>()
        });
        serialize(views, metadata).map_err(|e| refused(&e))
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

fn refused(e: &SafeTensorError) -> Error {
    malformed("safetensors", 0, e.to_string())
}

/// How many keys the outermost object of a JSON text has, each counted as often as it stands; the text
/// has been found to be JSON before.
fn count_names(json: &[u8]) -> Option<usize> {
    let (mut depth, mut names, mut i) = (0usize, 0, 0);
    while i < json.len() {
        match json[i] {
            b'"' => {
                i += 1;
                while *json.get(i)? != b'"' {
                    i += if json[i] == b'\\' { 2 } else { 1 };
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b':' if depth == 1 => names += 1,
            _ => {}
        }
        i += 1;
    }
    Some(names)
}
