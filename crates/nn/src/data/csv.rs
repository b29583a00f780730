//! CSV files: text, cut into rows and fields.
//!
//! Invariant: every row of a [`Table`] has as many fields as there are columns, and every field is
//! UTF-8; so what can still fail is a column's name or a number, which errors name with file, line and
//! column.

use std::path::Path;

use csv::ByteRecord;
use wengert_tensor::{Error, Result};

use crate::data::source::{DEFAULT_LIMIT, Source};
use crate::data::table::{MISSING, Table};

/// How to read a CSV file: with a header, separated by commas, unless set otherwise.
///
/// ```
/// use wengert::nn::data::Csv;
/// let text = "length,width,kind\n5.1,3.5,setosa\n6.2,2.9,virginica\n4.7,3.2,setosa\n";
/// let table = Csv::new().parse(text)?;
/// let x = table.columns::<f32>(["length", "width"])?;
/// let (y, kinds) = table.classes("kind")?;
/// assert_eq!(x.shape(), &[3, 2][..]);
/// assert_eq!((y.to_vec(), kinds.names()), (vec![0, 1, 0], &["setosa".to_string(), "virginica".into()][..]));
///
/// let error = table.columns::<f32>(["length", "kind"]).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "CSV text: line 2, column \"kind\": \"setosa\" is not a number"
/// );
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Csv {
    header: bool,
    /// None: any number of blanks.
    delimiter: Option<u8>,
    comment: Option<u8>,
    missing: Vec<String>,
    limit: u64,
}

/// Separates fields where blanks did: no text has it.
const UNIT: u8 = 0x1f;

impl Default for Csv {
    fn default() -> Csv {
        Csv::new()
    }
}

impl Csv {
    /// A header, commas, no comments.
    pub fn new() -> Csv {
        Csv {
            header: true,
            delimiter: Some(b','),
            comment: None,
            missing: MISSING.map(String::from).to_vec(),
            limit: DEFAULT_LIMIT,
        }
    }

    /// Whether the first line names the columns. Columns without a header are named by index.
    pub fn header(mut self, header: bool) -> Csv {
        self.header = header;
        self
    }

    /// What separates fields: `b';'`, `b'\t'`.
    pub fn delimiter(mut self, delimiter: u8) -> Csv {
        self.delimiter = Some(delimiter);
        self
    }

    /// Fields are separated by white space: any number of blanks and tabs; those at the start and the end of a line
    /// separate nothing. A field in quotes may have blanks, but there are no empty fields without quotes.
    ///
    /// ```
    /// use wengert::nn::data::Csv;
    /// let table = Csv::new().header(false).whitespace().parse("  18.0  8\t\"a car\"\n 9.5   4  b \n")?;
    /// assert_eq!(table.columns::<f32>(0..2)?.to_vec(), [18.0, 8.0, 9.5, 4.0]);
    /// assert_eq!(table.field(0, 2), Some("a car"));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    pub fn whitespace(mut self) -> Csv {
        self.delimiter = None;
        self
    }

    /// The texts that stand for a missing value, in capitals or not, in place of those that do if none are given:
    /// nothing, `NA`, `N/A`, `NaN`, `null` and `?`. A missing value is an error where it is asked for, unless
    /// [`Table::drop_missing`] leaves its row out or a [`Fill`](crate::data::Fill) puts a number in its place.
    pub fn missing(mut self, texts: impl IntoIterator<Item = impl Into<String>>) -> Csv {
        self.missing = texts.into_iter().map(Into::into).collect();
        self
    }

    /// Leaves out lines that start with this byte.
    pub fn comment(mut self, comment: u8) -> Csv {
        self.comment = Some(comment);
        self
    }

    /// The bytes that a gzipped file may unpack to;
    /// [`DEFAULT_LIMIT`] if not set.
    pub fn limit(mut self, bytes: u64) -> Csv {
        self.limit = bytes;
        self
    }

    /// Reads a file, gzipped or not (told by its first bytes, not by its name).
    ///
    /// # Errors
    /// If the file cannot be read, is empty, has a header alone or rows of differing lengths, is not
    /// UTF-8, or unpacks to more than the limit; if the delimiter is a quote or the end of a line, or starts comments.
    #[track_caller]
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Table> {
        self.table(Source::open(path.as_ref(), self.limit)?)
    }

    /// As [`Csv::read`], from text or from the bytes of a file.
    ///
    /// # Errors
    /// As [`Csv::read`].
    #[track_caller]
    pub fn parse(&self, text: impl AsRef<[u8]>) -> Result<Table> {
        self.table(Source::of("CSV text".into(), text.as_ref(), self.limit)?)
    }

    #[track_caller]
    fn table(&self, mut source: Source<'_>) -> Result<Table> {
        let delimiter = self.delimiter.unwrap_or(UNIT);
        let wrong = match delimiter {
            b'"' | b'\r' | b'\n' => Some("neither a quote nor the end of a line"),
            byte if Some(byte) == self.comment => Some("not what comments start with"),
            _ => None,
        };
        if let Some(rule) = wrong {
            let value = format!("{:?}", delimiter as char);
            return Err(Error::invalid("Csv", "delimiter", value, rule));
        }
        let mut text = source.up_to(u64::MAX)?;
        if self.delimiter.is_none() {
            text = separated(&text, self.comment);
        }
        let mut lines = Lines {
            text: &text,
            comment: self.comment,
            at: 0,
            line: 1,
        };
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .comment(self.comment)
            .from_reader(&text[..]);
        let mut table = Table {
            name: source.name,
            columns: 0,
            header: None,
            text: String::new(),
            ends: Vec::new(),
            lines: Vec::new(),
            missing: self.missing.clone(),
        };
        let mut record = ByteRecord::new();
        let mut first = None;
        while reader
            .read_byte_record(&mut record)
            .map_err(|e| table.wrong(e))?
        {
            let line = lines.of(&record);
            let first = *first.get_or_insert(line);
            let header = self.header && table.columns == 0;
            if table.columns == 0 {
                table.columns = record.len();
            } else if record.len() != table.columns {
                return Err(table.wrong(format!(
                    "line {line} has {}, line {first} has {}\n  rule  every row has as many fields as the \
                     first line",
                    fields(record.len()),
                    fields(table.columns)
                )));
            }
            let mut names = Vec::new();
            for (column, field) in record.iter().enumerate() {
                let text = std::str::from_utf8(field).map_err(|e| {
                    let valid = String::from_utf8_lossy(&field[..e.valid_up_to()]);
                    let byte = field[e.valid_up_to()];
                    let column = table.column_name(column);
                    table.wrong(format!(
                        "line {line}, column {column}: not UTF-8: byte 0x{byte:02x} after {valid:?}"
                    ))
                })?;
                if header {
                    names.push(text.trim().to_string());
                } else {
                    table.text.push_str(text);
                    table.ends.push(table.text.len());
                }
            }
            match header {
                true => table.header = Some(names),
                false => table.lines.push(line),
            }
        }
        if first.is_none() {
            return Err(table.wrong("the file is empty"));
        }
        if table.lines.is_empty() {
            return Err(table.wrong(
                "there is a header and no row\n  hint  Csv::new().header(false) reads a file without a header",
            ));
        }
        Ok(table)
    }
}

/// The text with one [`UNIT`] for the blanks between fields, and with the same lines.
fn separated(text: &[u8], comment: Option<u8>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let (mut quoted, mut commented) = (false, false);
    // Whether a field has begun on this line, whether blanks came after it, whether a quote closed it.
    let (mut begun, mut blank, mut closed) = (false, false, false);
    let mark = usize::from(text.starts_with(b"\xef\xbb\xbf")) * 3;
    out.extend(&text[..mark]);
    for &byte in &text[mark..] {
        match byte {
            b'\n' | b'\r' if !quoted => {
                (begun, blank, closed, commented) = (false, false, false, false)
            }
            _ if commented => {}
            b'"' if quoted => (quoted, closed) = (false, true),
            _ if quoted => {}
            b' ' | b'\t' => {
                (blank, closed) = (begun, false);
                continue;
            }
            _ => {
                if blank {
                    out.push(UNIT);
                }
                commented = !begun && Some(byte) == comment;
                // Two quotes within quotes stand for one: closed, and opened again.
                quoted = byte == b'"' && !commented && (!begun || blank || closed);
                (begun, blank, closed) = (true, false, false);
            }
        }
        out.push(byte);
    }
    out
}

/// The lines that records start on, as an editor counts them. The reader's own count stands before the
/// blank lines and comments that it skips.
struct Lines<'a> {
    text: &'a [u8],
    comment: Option<u8>,
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line that a record starts on, which comes after those asked for before.
    fn of(&mut self, record: &ByteRecord) -> u64 {
        let from = record.position().map_or(self.at, |p| p.byte() as usize);
        while self.at < from.min(self.text.len()) {
            self.step();
        }
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\n' | b'\r' => self.step(),
                byte if Some(byte) == self.comment => {
                    while self.text.get(self.at).is_some_and(|b| *b != b'\n') {
                        self.step();
                    }
                }
                _ => break,
            }
        }
        self.line
    }

    /// One byte on; a line ends with `\n`, `\r\n` or `\r`.
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        let ends = match rest[0] {
            b'\n' => true,
            b'\r' => rest.get(1) != Some(&b'\n'),
            _ => false,
        };
        self.line += ends as u64;
        self.at += 1;
    }
}

fn fields(n: usize) -> String {
    match n {
        1 => "1 field".into(),
        n => format!("{n} fields"),
    }
}
