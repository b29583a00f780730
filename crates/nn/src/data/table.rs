//! Tables of text: columns by name, as numbers, labels or classes; missing values.
//!
//! Invariant: a table has the same number of fields in every row; every error names file, line and column.

use wengert_tensor::{DType, Error, Float, Result, Tensor, nearest};

use crate::data::Classes;

/// What stands for a missing value, in capitals or not, where [`Csv::missing`](crate::data::Csv::missing) says nothing else.
pub(super) const MISSING: [&str; 6] = ["", "NA", "N/A", "NaN", "null", "?"];

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
    /// The file's.
    pub(super) name: String,
    pub(super) columns: usize,
    pub(super) header: Option<Vec<String>>,
    /// All fields, one behind another.
    pub(super) text: String,
    /// Where each ends.
    pub(super) ends: Vec<usize>,
    /// The line that each row starts on.
    pub(super) lines: Vec<u64>,
    /// What stands for a missing value.
    pub(super) missing: Vec<String>,
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

    /// Whether the field has one of the texts that stand for a missing value; `false` outside the table.
    pub fn is_missing(&self, row: usize, column: usize) -> bool {
        self.field(row, column)
            .is_some_and(|text| self.stands_for_none(text))
    }

    /// The table without the rows that miss a value in one of these columns.
    ///
    /// # Errors
    /// If there is no such column, or no row is left.
    ///
    /// ```
    /// use wengert::nn::data::Csv;
    /// let table = Csv::new().parse("age,kind\n20,a\n?,b\n40,\n")?;
    /// assert!(table.column::<f32>("age").is_err());
    /// let whole = table.drop_missing(["age"])?;
    /// assert_eq!(whole.column::<f32>("age")?.to_vec(), [20.0, 40.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn drop_missing(
        &self,
        columns: impl IntoIterator<Item = impl Into<Column>>,
    ) -> Result<Table> {
        let picks = self.find_all(columns)?;
        let whole = |row: &usize| !picks.iter().any(|c| self.is_missing(*row, *c));
        let rows: Vec<usize> = (0..self.rows()).filter(whole).collect();
        if rows.is_empty() {
            let names: Vec<String> = picks.iter().map(|c| self.column_name(*c)).collect();
            let names = names.join(", ");
            return Err(self.wrong(format!("every row misses a value in one of {names}")));
        }
        Ok(self.with(rows.into_iter(), |row, column| self.at(row, column).into()))
    }

    /// The table of these rows, with other fields.
    pub(super) fn with<'a>(
        &'a self,
        rows: impl Iterator<Item = usize>,
        field: impl Fn(usize, usize) -> std::borrow::Cow<'a, str>,
    ) -> Table {
        let mut out = Table {
            name: self.name.clone(),
            columns: self.columns,
            header: self.header.clone(),
            text: String::new(),
            ends: Vec::new(),
            lines: Vec::new(),
            missing: self.missing.clone(),
        };
        for row in rows {
            for column in 0..self.columns {
                out.text.push_str(&field(row, column));
                out.ends.push(out.text.len());
            }
            out.lines.push(self.lines[row]);
        }
        out
    }

    /// These columns as features: `[rows, columns]`, in the order given.
    ///
    /// A number is what Rust's `parse` takes, with blanks around it; `inf` is one.
    ///
    /// # Errors
    /// If there is no such column (the error lists those that there are), or a field is missing or not a number.
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
        self.numbers(&self.find_all(columns)?)
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
        let left_out = self.find_all(columns)?;
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

    /// One column of whole numbers, as class labels: `[rows]`. `1.0` is one, `1.5` is none.
    ///
    /// # Errors
    /// If there is no such column, or a field is missing or not a whole number.
    #[track_caller]
    pub fn labels(&self, column: impl Into<Column>) -> Result<Tensor<i64>> {
        let column = self.find(column.into())?;
        let mut labels = Vec::with_capacity(self.rows());
        for row in 0..self.rows() {
            match whole(self.at(row, column).trim()) {
                Some(label) => labels.push(label),
                None => return Err(self.unfit(row, column, "a whole number")),
            }
        }
        Tensor::from_vec(labels, [self.rows()])
    }

    /// One column of words, as class labels `[rows]`, and the classes: the words, sorted, of which label `i` is the
    /// `i`-th. For another file of the same data [`Table::labels_in`] takes these classes, so that a label means the same.
    ///
    /// # Errors
    /// If there is no such column, or a field is missing.
    #[track_caller]
    pub fn classes(&self, column: impl Into<Column>) -> Result<(Tensor<i64>, Classes)> {
        let column = self.find(column.into())?;
        let classes = Classes::learn(self.words(column)?);
        Ok((self.encoded(column, &classes)?, classes))
    }

    /// One column of words, as labels `[rows]` in classes that are known.
    ///
    /// # Errors
    /// If there is no such column, or a field is missing or none of the classes.
    ///
    /// ```
    /// use wengert::nn::data::Csv;
    /// let train = Csv::new().parse("kind\na\nc\nb\n")?;
    /// let test = Csv::new().parse("kind\nc\nb\n")?;
    /// let (_, kinds) = train.classes("kind")?;
    /// assert_eq!(test.labels_in("kind", &kinds)?.to_vec(), [2, 1]); // on its own it would begin at 0
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn labels_in(&self, column: impl Into<Column>, classes: &Classes) -> Result<Tensor<i64>> {
        self.encoded(self.find(column.into())?, classes)
    }

    #[track_caller]
    fn encoded(&self, column: usize, classes: &Classes) -> Result<Tensor<i64>> {
        let mut labels = Vec::with_capacity(self.rows());
        for (row, word) in self.words(column)?.into_iter().enumerate() {
            match classes.label(word) {
                Some(label) => labels.push(label),
                None => {
                    let (line, column) = (self.lines[row], self.column_name(column));
                    let unknown = classes.unknown(word);
                    return Err(self.wrong(format!("line {line}, column {column}: {unknown}")));
                }
            }
        }
        Tensor::from_vec(labels, [self.rows()])
    }

    /// The words of a column, of which none is missing.
    #[track_caller]
    fn words(&self, column: usize) -> Result<Vec<&str>> {
        let mut words = Vec::with_capacity(self.rows());
        for row in 0..self.rows() {
            if self.is_missing(row, column) {
                return Err(self.unfit(row, column, "a class"));
            }
            words.push(self.at(row, column).trim());
        }
        Ok(words)
    }

    /// The numbers of a column that are there.
    #[track_caller]
    pub(super) fn present(&self, column: usize) -> Result<Vec<f64>> {
        let mut out = Vec::new();
        for row in (0..self.rows()).filter(|row| !self.is_missing(*row, column)) {
            match self.at(row, column).trim().parse() {
                Ok(value) => out.push(value),
                Err(_) => return Err(self.unfit(row, column, "a number")),
            }
        }
        Ok(out)
    }

    fn stands_for_none(&self, text: &str) -> bool {
        let text = text.trim();
        self.missing.iter().any(|m| m.eq_ignore_ascii_case(text))
    }

    pub(super) fn at(&self, row: usize, column: usize) -> &str {
        let i = row * self.columns + column;
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.text[start..self.ends[i]]
    }

    #[track_caller]
    fn numbers<T: Float>(&self, columns: &[usize]) -> Result<Tensor<T>> {
        let mut out = Vec::with_capacity(self.rows() * columns.len());
        for row in 0..self.rows() {
            for &column in columns {
                if self.is_missing(row, column) {
                    return Err(self.unfit(row, column, "a number"));
                }
                let text = self.at(row, column).trim();
                // Rounded once, to the type that is asked for.
                let value = match T::DTYPE {
                    DType::F32 => text.parse::<f32>().map(f64::from),
                    _ => text.parse::<f64>(),
                };
                match value {
                    Ok(value) => out.push(T::from_f64(value)),
                    Err(_) => return Err(self.unfit(row, column, "a number")),
                }
            }
        }
        Tensor::from_vec(out, [self.rows(), columns.len()])
    }

    /// The places of columns.
    #[track_caller]
    fn find_all(&self, columns: impl IntoIterator<Item = impl Into<Column>>) -> Result<Vec<usize>> {
        columns.into_iter().map(|c| self.find(c.into())).collect()
    }

    #[track_caller]
    pub(super) fn find(&self, column: Column) -> Result<usize> {
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
            let names = self.header.iter().flatten().map(String::as_str);
            let near = match &column {
                Column::Name(name) => nearest(name, names),
                Column::Index(_) => None,
            };
            let hint = near.map_or(String::new(), |near| {
                format!("\n  hint  did you mean {near:?}?")
            });
            self.wrong(format!(
                "there is no column {wanted}\n  columns  {there}{hint}"
            ))
        })
    }

    /// A column's name, or its index where there is no header.
    pub(super) fn column_name(&self, column: usize) -> String {
        match self.header.as_ref().and_then(|h| h.get(column)) {
            Some(name) => format!("{name:?}"),
            None => column.to_string(),
        }
    }

    #[track_caller]
    fn unfit(&self, row: usize, column: usize, wanted: &str) -> Error {
        let (line, text) = (self.lines[row], self.at(row, column));
        let column = self.column_name(column);
        let (what, hint) = match (text.trim(), self.stands_for_none(text)) {
            ("", missing) => (format!("the field is empty, not {wanted}"), missing),
            (_, true) => (
                format!("{text:?} stands for a missing value, not for {wanted}"),
                true,
            ),
            (_, false) => (format!("{text:?} is not {wanted}"), false),
        };
        let hint = match hint {
            true => {
                "\n  hint  Table::drop_missing leaves such rows out, Fill puts a number there; Csv::missing says what stands for nothing"
            }
            false => "",
        };
        self.wrong(format!("line {line}, column {column}: {what}{hint}"))
    }

    #[track_caller]
    pub(super) fn wrong(&self, reason: impl std::fmt::Display) -> Error {
        Error::data(format!("{}: {reason}", self.name))
    }
}

/// A whole number, with or without a decimal point.
fn whole(text: &str) -> Option<i64> {
    let decimal = || {
        let value: f64 = text.parse().ok()?;
        // Up to here every whole number is one in f64.
        (value.fract() == 0.0 && value.abs() <= 9007199254740992.0).then_some(value as i64)
    };
    text.parse().ok().or_else(decimal)
}
