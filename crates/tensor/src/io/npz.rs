//! NumPy's npz files: zip archives of npy files, packed (`np.savez_compressed`) or not (`np.savez`).
//!
//! Invariant: memory grows with the bytes that come, never with what a header says will come, and all that is unpacked stays
//! below a limit.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::{malformed, read};
use crate::any::AnyTensor;
use crate::error::{Error, Result};

/// What an archive may unpack to unless another limit is given: 1 GiB.
const LIMIT: u64 = 1 << 30;

impl AnyTensor {
    /// The tensors in an npz file, by name (`np.savez(path, weight=w)` gives `weight`), which may unpack to 1 GiB.
    ///
    /// # Errors
    /// If the file cannot be read, is no zip archive of npy files, is damaged, unpacks to more, or holds a type that
    /// tensors have not.
    pub fn load_npz(path: impl AsRef<Path>) -> Result<BTreeMap<String, AnyTensor>> {
        let bytes = read("load_npz", path.as_ref())?;
        AnyTensor::from_npz(&bytes, LIMIT.max(bytes.len() as u64))
    }

    /// The tensors in the bytes of an npz file, which may unpack to `limit` bytes.
    ///
    /// # Errors
    /// If the bytes are no zip archive of npy files, are damaged, unpack to more, or hold a type that tensors have not.
    ///
    /// ```
    /// use wengert::tensor::AnyTensor;
    /// // An archive without files is its end alone.
    /// let empty = [b"PK\x05\x06".as_slice(), &[0; 18]].concat();
    /// assert!(AnyTensor::from_npz(&empty, 1 << 20)?.is_empty());
    /// # Ok::<(), wengert::Error>(())
    /// ```
    pub fn from_npz(bytes: &[u8], limit: u64) -> Result<BTreeMap<String, AnyTensor>> {
        let directory = Directory::find(bytes)?;
        let mut out = BTreeMap::new();
        let (mut at, mut left) = (directory.start, limit);
        for _ in 0..directory.entries {
            let entry = Entry::at(bytes, at)?;
            at = entry.end;
            let Some(name) = entry.name.strip_suffix(".npy") else {
                return Err(entry.wrong("an npz file holds npy files alone"));
            };
            if left < entry.size {
                let reason = format!("the archive unpacks to more than {limit} bytes");
                let hint = "from_npz takes a larger limit; an archive that large is more likely damaged or hostile";
                return Err(entry.wrong(&reason).or_hint(hint));
            }
            left -= entry.size;
            let file = entry.unpacked(bytes)?;
            let tensor = match AnyTensor::from_npy(&file) {
                Ok(tensor) => tensor,
                Err(e) => {
                    let wrong = entry.wrong(&e.kind().to_string());
                    return Err(match &e.site().hint {
                        Some(hint) => wrong.or_hint(hint.clone()),
                        None => wrong,
                    });
                }
            };
            if out.insert(name.to_string(), tensor).is_some() {
                return Err(entry.wrong("the archive has two files of this name"));
            }
        }
        Ok(out)
    }
}

fn short(at: usize) -> Error {
    malformed("npz", at, "the archive ends here, or points beyond its end")
}

/// `N` bytes from `at` on.
fn part<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.copied().ok_or_else(|| short(at.min(bytes.len())))
}

fn u16_at(bytes: &[u8], at: usize) -> Result<usize> {
    Ok(u16::from_le_bytes(part(bytes, at)?).into())
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u64> {
    Ok(u32::from_le_bytes(part(bytes, at)?).into())
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64> {
    Ok(u64::from_le_bytes(part(bytes, at)?))
}

/// An offset in the file.
fn place(value: u64, at: usize) -> Result<usize> {
    usize::try_from(value).map_err(|_| short(at))
}

/// What stands for a number that an extra field has in 64 bits.
const ELSEWHERE: u64 = u32::MAX as u64;

/// The list of files at the end of an archive.
struct Directory {
    start: usize,
    entries: u64,
}

impl Directory {
    fn find(bytes: &[u8]) -> Result<Directory> {
        const END: usize = 22;
        // The record is followed by a comment of at most 64 KiB, whose length it knows.
        let last = bytes.len().checked_sub(END);
        let first = bytes.len().saturating_sub(END + u16::MAX as usize);
        let is_end = |at: &usize| {
            bytes[*at..].starts_with(b"PK\x05\x06")
                && u16_at(bytes, at + 20).is_ok_and(|comment| at + END + comment == bytes.len())
        };
        let end = last.and_then(|last| (first..=last).rev().find(is_end));
        let Some(end) = end else {
            return Err(malformed(
                "npz",
                0,
                "the file is no zip archive, or is cut short",
            ));
        };
        let mut entries = u16_at(bytes, end + 10)? as u64;
        let mut start = u32_at(bytes, end + 16)?;
        // Of an archive of more than 4 GiB or 65,534 files, another record before this one.
        let locator = end
            .checked_sub(20)
            .filter(|at| bytes[*at..].starts_with(b"PK\x06\x07"));
        if let Some(locator) = locator {
            let record = place(u64_at(bytes, locator + 8)?, locator)?;
            if part(bytes, record)? != *b"PK\x06\x06" {
                return Err(malformed(
                    "npz",
                    record,
                    "no record of the archive's end is here",
                ));
            }
            entries = u64_at(bytes, record.saturating_add(32))?;
            start = u64_at(bytes, record.saturating_add(48))?;
        }
        let start = place(start, end)?;
        Ok(Directory { start, entries })
    }
}

/// A file in the archive, as the directory has it.
struct Entry<'a> {
    /// Where this entry is, and where the next.
    at: usize,
    end: usize,
    name: &'a str,
    flags: usize,
    method: usize,
    crc: u32,
    packed: u64,
    size: u64,
    /// Where the file begins, with a header of its own.
    file: usize,
}

impl<'a> Entry<'a> {
    fn at(bytes: &'a [u8], at: usize) -> Result<Entry<'a>> {
        if part(bytes, at)? != *b"PK\x01\x02" {
            return Err(malformed(
                "npz",
                at,
                "no entry of the archive's list is here",
            ));
        }
        let field = |offset: usize| u32_at(bytes, at + offset);
        let (mut packed, mut size, mut file) = (field(20)?, field(24)?, field(42)?);
        let name_end = at + 46 + u16_at(bytes, at + 28)?;
        let extra_end = name_end + u16_at(bytes, at + 30)?;
        let end = extra_end + u16_at(bytes, at + 32)?;
        let name = bytes.get(at + 46..name_end).ok_or_else(|| short(at))?;
        let Ok(name) = std::str::from_utf8(name) else {
            return Err(malformed("npz", at + 46, "the name of a file is no UTF-8"));
        };
        let extra = bytes.get(name_end..extra_end).ok_or_else(|| short(at))?;
        let mut i = 0;
        while i + 4 <= extra.len() {
            let (kind, length) = (u16_at(extra, i)?, u16_at(extra, i + 2)?);
            if kind == 1 {
                // Those that stand elsewhere, in this order.
                let mut k = 0;
                for value in [&mut size, &mut packed, &mut file] {
                    if *value != ELSEWHERE {
                        continue;
                    }
                    if 8 * k + 8 > length {
                        return Err(short(at));
                    }
                    *value = u64_at(extra, i + 4 + 8 * k)?;
                    k += 1;
                }
            }
            i += 4 + length;
        }
        Ok(Entry {
            at,
            end,
            name,
            flags: u16_at(bytes, at + 8)?,
            method: u16_at(bytes, at + 10)?,
            crc: field(16)? as u32,
            packed,
            size,
            file: place(file, at)?,
        })
    }

    /// What is wrong with this file.
    fn wrong(&self, reason: &str) -> Error {
        malformed("npz", self.at, format!("{}: {reason}", self.name))
    }

    fn unpacked(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        if self.flags & 1 != 0 {
            return Err(self.wrong("the file is encrypted"));
        }
        if part(bytes, self.file)? != *b"PK\x03\x04" {
            return Err(self.wrong("the archive has no file where its list says"));
        }
        // The names and extra fields here may be others than those of the list.
        let before = 30 + u16_at(bytes, self.file + 26)? + u16_at(bytes, self.file + 28)?;
        let from = self.file + before;
        let to = usize::try_from(self.packed)
            .ok()
            .and_then(|n| from.checked_add(n));
        let data = to.and_then(|to| bytes.get(from..to));
        let data = data.ok_or_else(|| self.wrong("the archive ends before the file does"))?;
        let file = match self.method {
            0 => data.to_vec(),
            8 => {
                let mut file = Vec::new();
                // One byte more, to see that nothing follows.
                let mut reader = DeflateDecoder::new(data).take(self.size.saturating_add(1));
                if let Err(e) = reader.read_to_end(&mut file) {
                    return Err(self.wrong(&format!("it does not unpack: {e}")));
                }
                file
            }
            method => {
                return Err(self.wrong(&format!("it is packed by method {method}, not by 0 or 8")));
            }
        };
        if file.len() as u64 != self.size {
            let more = if file.len() as u64 > self.size {
                "more"
            } else {
                "fewer"
            };
            return Err(self.wrong(&format!(
                "it has {more} than the {} bytes that the list says",
                self.size
            )));
        }
        let mut crc = Crc::new();
        crc.update(&file);
        match crc.sum() == self.crc {
            true => Ok(file),
            false => Err(self.wrong("its checksum is wrong: the file is damaged")),
        }
    }
}
