//! A table for a terminal: columns as wide as what is in them, without lines.
//!
//! Only spaces, so that `awk` and `cut` can read it; programs better take `--json`. What others wrote has to be
//! [printable](super::line::printable) before it comes here.

use std::fmt;

/// Between two columns.
const GAP: &str = "  ";

/// See the module.
#[derive(Debug)]
pub struct Table<const N: usize> {
    head: [&'static str; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// With these names of columns, and no row.
    pub fn new(head: [&'static str; N]) -> Self {
        Self { head, rows: Vec::new() }
    }

    /// One more row, at the end.
    pub fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.head.map(str::to_owned);
        let lines = || std::iter::once(&head).chain(&self.rows);
        let width = |column: usize| lines().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or_default()).collect();
        for line in lines() {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            let line = cells.collect::<Vec<_>>().join(GAP);
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_as_wide_as_its_widest_cell_and_nothing_trails() {
        let mut table = Table::new(["NAME", "N", "LAST"]);
        table.row(["é".to_owned(), "12345".to_owned(), String::new()]);
        table.row(["longer".to_owned(), "1".to_owned(), "x".to_owned()]);
        assert_eq!(table.to_string(), "NAME    N      LAST\né       12345\nlonger  1      x\n");
    }
}
