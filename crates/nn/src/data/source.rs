//! Bytes of files, gzipped or not.
//!
//! Invariant: memory grows with the bytes that came, never with what a header says will come, and what a
//! compressed file unpacks to stays below a limit.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use wengert_tensor::{Error, ErrorKind, Result, Site};

/// The bytes that a gzipped file may unpack to unless another limit is set: 1 GiB.
///
/// A gzip stream packs zeros a thousandfold, so that a file of a megabyte can fill a gigabyte. Files
/// that are not compressed need no limit: they cost what they weigh.
pub const DEFAULT_LIMIT: u64 = 1 << 30;

/// A file being read, and its name for errors.
pub(super) struct Source<'a> {
    pub name: String,
    pub reader: Box<dyn Read + 'a>,
    /// The bytes that may be taken; none where the file is not compressed.
    pub limit: Option<u64>,
}

impl Source<'static> {
    #[track_caller]
    pub fn open(path: &Path, limit: u64) -> Result<Source<'static>> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Source::of(name, BufReader::new(file), limit),
            Err(e) => Err(failed(&name, &e)),
        }
    }
}

impl<'a> Source<'a> {
    /// Unpacks what starts with gzip's magic bytes.
    #[track_caller]
    pub fn of(name: String, mut reader: impl BufRead + 'a, limit: u64) -> Result<Source<'a>> {
        // A reader may hand out its first byte alone, so both are taken and put back.
        let mut magic = Vec::new();
        if let Err(e) = reader.by_ref().take(2).read_to_end(&mut magic) {
            return Err(failed(&name, &e));
        }
        let packed = magic == [0x1f, 0x8b];
        let whole = BufReader::new(io::Cursor::new(magic).chain(reader));
        Ok(match packed {
            true => Source {
                name,
                reader: Box::new(Limited {
                    inner: MultiGzDecoder::new(whole),
                    limit,
                    left: limit,
                }),
                limit: Some(limit),
            },
            false => Source {
                name,
                reader: Box::new(whole),
                limit: None,
            },
        })
    }

    /// All that is left, which must be `n` bytes; where it is not, how many came, one more than `n` at most.
    ///
    /// Read in pieces, which are put together once they are as many as they should be: a list that grows is twice as large
    /// again at times.
    #[track_caller]
    pub fn exactly(&mut self, n: usize) -> Result<std::result::Result<Vec<u8>, usize>> {
        const PIECE: u64 = 64 << 10;
        let (mut pieces, mut came) = (Vec::new(), 0);
        while came <= n {
            // With room for no more: a list that finds its own size may have twice as much.
            let most = PIECE.min((n - came) as u64 + 1);
            let mut piece = Vec::with_capacity(most as usize);
            match self.reader.by_ref().take(most).read_to_end(&mut piece) {
                Ok(0) => break,
                Ok(_) => {}
                Err(e) => return Err(failed(&self.name, &e)),
            }
            came += piece.len();
            pieces.push(piece);
        }
        if came != n {
            return Ok(Err(came));
        }
        let mut out = Vec::with_capacity(n);
        for piece in pieces {
            out.extend(piece);
        }
        Ok(Ok(out))
    }

    /// The next `n` bytes, or as many as there are.
    #[track_caller]
    pub fn up_to(&mut self, n: u64) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        match self.reader.by_ref().take(n).read_to_end(&mut out) {
            Ok(_) => Ok(out),
            Err(e) => Err(failed(&self.name, &e)),
        }
    }

    #[track_caller]
    pub fn wrong(&self, reason: impl std::fmt::Display) -> Error {
        Error::data(format!("{}: {reason}", self.name))
    }
}

/// A reader that fails beyond a limit, where `take` would end as if the file did.
struct Limited<R> {
    inner: R,
    limit: u64,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !buf.is_empty() {
            return match self.inner.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(io::Error::other(beyond(self.limit))),
            };
        }
        let most = usize::try_from(self.left).map_or(buf.len(), |left| left.min(buf.len()));
        let n = self.inner.read(&mut buf[..most])?;
        self.left -= n as u64;
        Ok(n)
    }
}

/// A read that failed, in the system's (or the unpacker's) words.
#[track_caller]
pub(super) fn failed(name: &str, e: &io::Error) -> Error {
    Site::unplaced("").error(ErrorKind::Io {
        path: Some(name.to_string()),
        kind: e.kind(),
        reason: e.to_string(),
    })
}

/// What to say of a compressed file beyond the limit.
pub(super) fn beyond(limit: u64) -> String {
    format!(
        "it unpacks to more than {limit} bytes\n  hint  a larger limit can be set; one that large is more \
         likely a damaged or hostile file"
    )
}
