//! The first sheet: counts, a chart, and what is not in the report.

use rust_xlsxwriter::{Chart, ChartType, Format, FormatAlign, FormatBorder, Worksheet, XlsxError};

use super::looked::{Counts, Looked};
use super::steps::Step;
use crate::cell;

/// So many values of a kind are named.
const NAMED: usize = 15;
/// Where the second column of tables begins, and the chart.
const RIGHT: u16 = 4;
const CHART: u16 = 8;

struct Front {
    sheet: Worksheet,
    title: Format,
    head: Format,
    text: Format,
    number: Format,
    share: Format,
}

/// Writes it.
pub(super) fn write(name: &str, looked: &Looked, steps: &[Step]) -> Result<Worksheet, XlsxError> {
    let mut sheet = Worksheet::new();
    sheet.set_name(name)?;
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
    for (column, width) in
        [(0, 40.0), (1, 10.0), (2, 9.0), (3, 3.0), (4, 40.0), (5, 10.0), (6, 9.0), (7, 3.0)]
    {
        sheet.set_column_width(column, width)?;
    }
    let mut front = Front {
        sheet,
        title: Format::new().set_bold().set_font_size(16),
        head: Format::new()
            .set_bold()
            .set_background_color(0x00DC_E6F1)
            .set_border_bottom(FormatBorder::Thin),
        text: Format::new().set_text_wrap().set_align(FormatAlign::Top).set_quote_prefix(),
        number: Format::new().set_num_format("#,##0").set_align(FormatAlign::Top),
        share: Format::new().set_num_format("0.0%").set_align(FormatAlign::Top),
    };
    front.sheet.write_string_with_format(0, 0, "Report", &front.title)?;
    front.sheet.write_string(1, 0, "Records in this report")?;
    front.sheet.write_number_with_format(1, 1, looked.records as f64, &front.number)?;
    let all = looked.records;
    let labels = looked.labels.as_ref().map(|(_, counts)| counts);
    let mut left = 3;
    if let Some(labels) = labels {
        let rows = front.counts(left, 0, "Label", labels, all)?;
        front.chart(name, "Records by label", left + 1, rows, 0, 2)?;
        left += rows + 4;
    }
    let languages = front.counts(left, 0, "Language", &looked.languages, all)?;
    if labels.is_none() {
        front.chart(name, "Records by language", left + 1, languages, 0, 2)?;
    }
    left += languages + 4;
    let mut right = 3;
    right += front.counts(right, RIGHT, "Licence", &looked.licences, all)? + 4;
    let sizes = front.counts(right, RIGHT, "Size", &looked.sizes, all)?;
    front.chart(name, "Records by size", right + 1, sizes, RIGHT, 19)?;
    right += sizes + 4;
    front.steps(left.max(right), steps, looked.left_out())?;
    Ok(front.sheet)
}

impl Front {
    /// A table of counts; how many named rows it has.
    fn counts(
        &mut self,
        row: u32,
        column: u16,
        title: &str,
        counts: &Counts,
        all: u64,
    ) -> Result<u32, XlsxError> {
        for (place, head) in [title, "Records", "Share"].into_iter().enumerate() {
            self.sheet.write_string_with_format(row, column + place as u16, head, &self.head)?;
        }
        let (top, others, none) = counts.top(NAMED);
        let mut at = row;
        for (value, count) in &top {
            at += 1;
            self.count(at, column, value, *count, all)?;
        }
        for (what, count) in [("(all others)", others), ("(not known)", none)] {
            if count > 0 {
                at += 1;
                self.count(at, column, what, count, all)?;
            }
        }
        Ok(top.len() as u32)
    }

    fn count(&mut self, row: u32, column: u16, what: &str, count: u64, all: u64) -> Result<(), XlsxError> {
        let short: String = what.chars().take(200).collect();
        self.sheet.write_string_with_format(row, column, short, &self.text)?;
        self.sheet.write_number_with_format(row, column + 1, count as f64, &self.number)?;
        if all > 0 {
            self.sheet.write_number_with_format(row, column + 2, count as f64 / all as f64, &self.share)?;
        }
        Ok(())
    }

    fn chart(
        &mut self,
        sheet: &str,
        title: &str,
        first: u32,
        rows: u32,
        column: u16,
        at: u32,
    ) -> Result<(), XlsxError> {
        if rows == 0 {
            return Ok(());
        }
        let mut chart = Chart::new(ChartType::Bar);
        let last = first + rows - 1;
        chart.add_series().set_categories((sheet, first, column, last, column)).set_values((
            sheet,
            first,
            column + 1,
            last,
            column + 1,
        ));
        chart.title().set_name(title);
        chart.legend().set_hidden();
        // The largest on top, as in the table.
        chart.y_axis().set_reverse();
        chart.x_axis().set_min(0);
        chart.set_width(520).set_height(300);
        self.sheet.insert_chart(at, CHART, &chart)?;
        Ok(())
    }

    /// What is not in the report, and why.
    fn steps(&mut self, from: u32, steps: &[Step], left_out: Option<(u64, String)>) -> Result<(), XlsxError> {
        let mut row = from;
        self.sheet.write_string_with_format(row, 0, "Dropped and missing", &self.head)?;
        for (place, head) in [(1, "Records"), (2, ""), (3, ""), (4, "Why"), (5, ""), (6, "")] {
            self.sheet.write_string_with_format(row, place, head, &self.head)?;
        }
        if let Some((values, why)) = left_out {
            row += 1;
            self.line(row, "values left out of this report", values, &why)?;
        }
        if steps.is_empty() {
            self.sheet.write_string(
                row + 1,
                0,
                "not known: the records did not come from the root of a run",
            )?;
        }
        for step in steps {
            row += 1;
            self.line(row, &step.name, step.records, "kept")?;
            for (kind, counts) in [("dropped", &step.dropped), ("missing", &step.missing)] {
                for (why, count) in counts {
                    row += 1;
                    self.line(row, kind, *count, why)?;
                }
            }
        }
        Ok(())
    }

    fn line(&mut self, row: u32, what: &str, count: u64, why: &str) -> Result<(), XlsxError> {
        let cut = |text: &str| cell::cut(text).unwrap_or_else(|| text.to_owned());
        self.sheet.write_string_with_format(row, 0, cut(what), &self.text)?;
        self.sheet.write_number_with_format(row, 1, count as f64, &self.number)?;
        self.sheet.write_string_with_format(row, RIGHT, cut(why), &self.text)?;
        Ok(())
    }
}
