//! CSV files: text first, numbers when columns are asked for.
//!
//! Invariant: every row of a [`Table`] has as many fields as there are columns, and every field is
//! UTF-8; so what can still fail is a column's name or a number, which errors name with file, line and
//! column.

use std::path::Path;

use csv::ByteRecord;
use wengert_tensor::{DType, Error, Float, Result, Tensor};

use crate::data::source::{DEFAULT_LIMIT, Source};

/// How to read a CSV file: with a header, separated by commas, unless set otherwise.
///
/// ```
/// use wengert::nn::data::Csv;
/// let text = "length,width,kind\n5.1,3.5,setosa\n6.2,2.9,virginica\n4.7,3.2,setosa\n";
/// let table = Csv::new().parse(text)?;
/// let x = table.columns::<f32>(["length", "width"])?;
/// let (y, kinds) = table.classes("kind")?;
/// assert_eq!(x.shape(), &[3, 2][..]);
/// assert_eq!((y.to_vec(), kinds), (vec![0, 1, 0], vec!["setosa".to_string(), "virginica".into()]));
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
    delimiter: u8,
    comment: Option<u8>,
    limit: u64,
}

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
            delimiter: b',',
            comment: None,
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
        self.delimiter = delimiter;
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
    /// UTF-8, or unpacks to more than the limit; if the delimiter is a quote or the end of a line.
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
        if let b'"' | b'\r' | b'\n' = self.delimiter {
            let value = format!("{:?}", self.delimiter as char);
            let rule = "neither a quote nor the end of a line";
            return Err(Error::invalid("Csv", "delimiter", value, rule));
        }
        let text = source.up_to(u64::MAX)?;
        let mut lines = Lines {
            text: &text,
            comment: self.comment,
            at: 0,
            line: 1,
        };
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .comment(self.comment)
            .from_reader(&text[..]);
        let mut table = Table {
            name: source.name,
            columns: 0,
            header: None,
            text: String::new(),
            ends: Vec::new(),
            lines: Vec::new(),
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

/// A column, by name or by index from 0: `"width"` or `2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// By its name in the header.
    Name(String),
    /// By its index, from 0.
    Index(usize),
}

impl From<&str> for Column {
    fn from(name: &str) -> Column {
        Column::Name(name.to_string())
    }
}
impl From<&String> for Column {
    fn from(name: &String) -> Column {
        Column::Name(name.clone())
    }
}
impl From<String> for Column {
    fn from(name: String) -> Column {
        Column::Name(name)
    }
}
impl From<usize> for Column {
    fn from(index: usize) -> Column {
        Column::Index(index)
    }
}

/// The rows of a CSV file, as text; its columns become tensors.
#[derive(Clone, Debug)]
pub struct Table {
    name: String,
    columns: usize,
    header: Option<Vec<String>>,
    /// All fields, one behind another.
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
    /// The line that each row starts on.
    lines: Vec<u64>,
}

impl Table {
    /// The columns' names, where the file has a header.
    pub fn header(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    /// The number of rows, without the header.
    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.columns
    }

    /// The text of a field; `None` outside the table.
    pub fn field(&self, row: usize, column: usize) -> Option<&str> {
        (row < self.rows() && column < self.columns).then(|| self.at(row, column))
    }

    /// These columns as features: `[rows, columns]`, in the order given.
    ///
    /// A number is what Rust's `parse` takes, with blanks around it: `inf` and `NaN` are numbers, an empty
    /// field is none.
    ///
    /// # Errors
    /// If there is no such column (the error lists those that there are), or a field is not a number.
    ///
    /// ```
    /// use wengert::nn::data::Csv;
    /// let table = Csv::new().header(false).parse("1,2,0\n3,4,1\n")?;
    /// assert_eq!(table.columns::<f64>(0..2)?.to_vec(), [1.0, 2.0, 3.0, 4.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn columns<T: Float>(
        &self,
        columns: impl IntoIterator<Item = impl Into<Column>>,
    ) -> Result<Tensor<T>> {
        let picks: Result<Vec<usize>> = columns.into_iter().map(|c| self.find(c.into())).collect();
        self.numbers(&picks?)
    }

    /// Every column but these, as features: `[rows, columns]`, in the file's order.
    ///
    /// # Errors
    /// As [`Table::columns`].
    #[track_caller]
    pub fn columns_except<T: Float>(
        &self,
        columns: impl IntoIterator<Item = impl Into<Column>>,
    ) -> Result<Tensor<T>> {
        let left_out: Result<Vec<usize>> =
            columns.into_iter().map(|c| self.find(c.into())).collect();
        let left_out = left_out?;
        let picks: Vec<usize> = (0..self.columns)
            .filter(|c| !left_out.contains(c))
            .collect();
        self.numbers(&picks)
    }

    /// One column of numbers, as targets: `[rows]`. `unsqueeze(1)` makes `[rows, 1]` of it.
    ///
    /// # Errors
    /// As [`Table::columns`].
    #[track_caller]
    pub fn column<T: Float>(&self, column: impl Into<Column>) -> Result<Tensor<T>> {
        let pick = self.find(column.into())?;
        self.numbers(&[pick])?.reshape([self.rows()])
    }

    /// One column of whole numbers, as class labels: `[rows]`.
    ///
    /// # Errors
    /// If there is no such column, or a field is not a whole number.
    #[track_caller]
    pub fn labels(&self, column: impl Into<Column>) -> Result<Tensor<i64>> {
        let column = self.find(column.into())?;
        let label = |row| {
            let text = self.at(row, column);
            text.trim()
                .parse()
                .map_err(|_| self.unfit(row, column, "a whole number"))
        };
        let labels: Result<Vec<i64>> = (0..self.rows()).map(label).collect();
        Tensor::from_vec(labels?, [self.rows()])
    }

    /// One column of words, as class labels `[rows]`, and the words: label `i` is word `i`, and the words
    /// are sorted.
    ///
    /// # Errors
    /// If there is no such column.
    #[track_caller]
    pub fn classes(&self, column: impl Into<Column>) -> Result<(Tensor<i64>, Vec<String>)> {
        let column = self.find(column.into())?;
        let words: Vec<&str> = (0..self.rows())
            .map(|row| self.at(row, column).trim())
            .collect();
        let mut classes = words.clone();
        classes.sort_unstable();
        classes.dedup();
        // Every word is among them.
        let labels = words
            .iter()
            .map(|w| classes.partition_point(|c| c < w) as i64);
        let labels = Tensor::from_vec(labels.collect(), [self.rows()])?;
        Ok((labels, classes.into_iter().map(String::from).collect()))
    }

    fn at(&self, row: usize, column: usize) -> &str {
        let i = row * self.columns + column;
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.text[start..self.ends[i]]
    }

    #[track_caller]
    fn numbers<T: Float>(&self, columns: &[usize]) -> Result<Tensor<T>> {
        let mut out = Vec::with_capacity(self.rows() * columns.len());
        for row in 0..self.rows() {
            for &column in columns {
                let text = self.at(row, column).trim();
                // Rounded once, to the type that is asked for.
                let value = match T::DTYPE {
                    DType::F32 => text.parse::<f32>().map(f64::from),
                    _ => text.parse::<f64>(),
                };
                let value = value.map_err(|_| self.unfit(row, column, "a number"))?;
                out.push(T::from_f64(value));
            }
        }
        Tensor::from_vec(out, [self.rows(), columns.len()])
    }

    #[track_caller]
    fn find(&self, column: Column) -> Result<usize> {
        let found = match (&column, &self.header) {
            (Column::Index(i), _) => (*i < self.columns).then_some(*i),
            (Column::Name(name), Some(header)) => {
                let mut places = header.iter().enumerate().filter(|(_, n)| *n == name);
                let first = places.next().map(|(i, _)| i);
                if let (Some(first), Some((second, _))) = (first, places.next()) {
                    return Err(self.wrong(format!(
                        "columns {first} and {second} are both named {name:?}\n  hint  name them by index"
                    )));
                }
                first
            }
            (Column::Name(_), None) => None,
        };
        found.ok_or_else(|| {
            let wanted = match &column {
                Column::Name(name) => format!("{name:?}"),
                Column::Index(i) => i.to_string(),
            };
            let there = match &self.header {
                Some(header) => {
                    let names: Vec<String> = header
                        .iter()
                        .enumerate()
                        .map(|(i, n)| format!("{i} {n:?}"))
                        .collect();
                    names.join(", ")
                }
                None => format!("0 to {}, without names", self.columns - 1),
            };
            self.wrong(format!("there is no column {wanted}\n  columns  {there}"))
        })
    }

    /// A column's name, or its index where there is no header.
    fn column_name(&self, column: usize) -> String {
        match self.header.as_ref().and_then(|h| h.get(column)) {
            Some(name) => format!("{name:?}"),
            None => column.to_string(),
        }
    }

    #[track_caller]
    fn unfit(&self, row: usize, column: usize, wanted: &str) -> Error {
        let (line, text) = (self.lines[row], self.at(row, column));
        let column = self.column_name(column);
        match text.trim() {
            "" => self.wrong(format!(
                "line {line}, column {column}: the field is empty, not {wanted}"
            )),
            _ => self.wrong(format!(
                "line {line}, column {column}: {text:?} is not {wanted}"
            )),
        }
    }

    #[track_caller]
    fn wrong(&self, reason: impl std::fmt::Display) -> Error {
        Error::data(format!("{}: {reason}", self.name))
    }
}
