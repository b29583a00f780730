//! Numbers in the place of missing values.
//!
//! Invariant: what is learned is learned of one table, and applies to others.

use wengert_tensor::{Error, Result};

use crate::data::{Column, Table};

/// Numbers for the missing values of some columns: given, or the means of a table.
///
/// ```
/// use wengert::nn::data::{Csv, Fill};
/// let train = Csv::new().parse("age,fare\n20,1\n,2\n40,3\n")?;
/// let test = Csv::new().parse("fare,age\n5,NA\n")?;
/// let fill = Fill::mean(&train, ["age"])?;
/// assert_eq!(fill.apply(&train)?.column::<f32>("age")?.to_vec(), [20.0, 30.0, 40.0]);
/// assert_eq!(fill.apply(&test)?.column::<f32>("age")?.to_vec(), [30.0]);
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Fill {
    values: Vec<(Column, f64)>,
}

impl Fill {
    /// These numbers for these columns.
    ///
    /// ```
    /// use wengert::nn::data::{Csv, Fill};
    /// let table = Csv::new().parse("a,b\n1,\n?,4\n")?;
    /// let whole = Fill::new([("a", 0.0), ("b", -1.0)]).apply(&table)?;
    /// assert_eq!(whole.columns::<f32>(["a", "b"])?.to_vec(), [1.0, -1.0, 0.0, 4.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    pub fn new(values: impl IntoIterator<Item = (impl Into<Column>, f64)>) -> Fill {
        let values = values.into_iter().map(|(c, v)| (c.into(), v)).collect();
        Fill { values }
    }

    /// The means of these columns, over the values that are there.
    ///
    /// # Errors
    /// If there is no such column, a field is not a number, or a column has no values or no finite mean.
    #[track_caller]
    pub fn mean(
        table: &Table,
        columns: impl IntoIterator<Item = impl Into<Column>>,
    ) -> Result<Fill> {
        let mut values = Vec::new();
        for column in columns {
            let column = column.into();
            let place = table.find(column.clone())?;
            let there = table.present(place)?;
            // Weighted one by one: the sum of large numbers may overflow.
            let mean = there.iter().zip(1u64..);
            let mean = mean.fold(0.0, |mean, (v, n)| mean + (v / n as f64 - mean / n as f64));
            if there.is_empty() || !mean.is_finite() {
                let name = table.column_name(place);
                let why = match there.is_empty() {
                    true => "every value is missing",
                    false => "its values have no finite mean",
                };
                return Err(table.wrong(format!("column {name}: {why}")));
            }
            values.push((column, mean));
        }
        Ok(Fill { values })
    }

    /// The numbers, by column.
    pub fn values(&self) -> &[(Column, f64)] {
        &self.values
    }

    /// The table with these numbers where the columns have missing values. A column that was named is looked for by
    /// its name, wherever it stands.
    ///
    /// # Errors
    /// If the table has no such column, or a number is not finite.
    #[track_caller]
    pub fn apply(&self, table: &Table) -> Result<Table> {
        let mut texts: Vec<Option<String>> = vec![None; table.width()];
        for (column, value) in &self.values {
            if !value.is_finite() {
                return Err(Error::invalid("Fill", "value", value, "a finite number"));
            }
            texts[table.find(column.clone())?] = Some(value.to_string());
        }
        Ok(
            table.with(0..table.rows(), |row, column| match &texts[column] {
                Some(text) if table.is_missing(row, column) => text.clone().into(),
                _ => table.at(row, column).into(),
            }),
        )
    }
}
