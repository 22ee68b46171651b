//! Charts in SVG, beside the numbers that they draw: whoever does not see them reads the same.

use maud::{Markup, html};

use super::show;

/// A row of a chart.
pub(super) struct Row {
    pub(super) label: Markup,
    pub(super) count: u64,
    /// What is told instead of the count.
    pub(super) told: Option<String>,
}

/// Bars from left to right, each as long as its count; the longest as long as the chart, or as `whole`.
pub(super) fn bars(name: &str, rows: &[Row], whole: Option<u64>) -> Markup {
    let most = whole.unwrap_or_else(|| rows.iter().map(|row| row.count).max().unwrap_or(0)).max(1);
    html! {
        table.bars aria-label=(name) {
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" { (row.label) }
                        td.bar {
                            svg viewBox="0 0 100 10" preserveAspectRatio="none" width="100%" height="10" aria-hidden="true" focusable="false" {
                                rect.track x="0" y="0" width="100" height="10" {}
                                rect.fill x="0" y="0" width=(format!("{:.2}", width(row.count, most))) height="10" {}
                            }
                        }
                        td.number { (row.told.clone().unwrap_or_else(|| show::grouped(row.count))) }
                    }
                }
            }
        }
    }
}

/// Percent; what is there at all can be seen.
fn width(count: u64, most: u64) -> f64 {
    let percent = count as f64 * 100.0 / most as f64;
    if count > 0 { percent.clamp(0.5, 100.0) } else { 0.0 }
}
