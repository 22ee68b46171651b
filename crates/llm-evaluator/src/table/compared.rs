//! The table of a comparison.

use super::{UNKNOWN, aligned, number, shown};
use crate::compare::{Comparison, Difference};

/// How many disagreements a terminal shows.
const SHOWN: usize = 20;

/// A comparison.
pub fn comparison_table(comparison: &Comparison) -> String {
    let signed = |value: Option<f64>| value.map_or(UNKNOWN.into(), |value| format!("{value:+.3}"));
    let line = |difference: &Difference| {
        let Difference { figure, a, b, difference, low, high, clear } = difference;
        let clear = clear.map_or(UNKNOWN, |clear| if clear { "yes" } else { "no" });
        let interval = format!("{} to {}", signed(*low), signed(*high));
        vec![(*figure).to_owned(), number(*a), number(*b), signed(*difference), interval, clear.to_owned()]
    };
    let tested = &comparison.mcnemar;
    let mut text = format!(
        "\n== B against A, on {} ==\nA  {}\nB  {}\n{} rows, those without an answer count as wrong; paired bootstrap, {} \
         resamples, seed {}\n{}\nboth right {}   only A {}   only B {}   neither {}   McNemar's exact p {}\n",
        shown(&comparison.aspect),
        shown(&comparison.a),
        shown(&comparison.b),
        comparison.rows,
        comparison.resamples,
        comparison.seed,
        aligned(
            &["figure", "A", "B", "B - A", "95 % interval", "clear"],
            comparison.differences.iter().map(line)
        ),
        tested.both,
        tested.only_a,
        tested.only_b,
        tested.neither,
        tested.p_value.map_or(UNKNOWN.into(), |chance| format!("{chance:.4}")),
    );
    text.push_str(&disagreements(comparison));
    text
}

fn disagreements(comparison: &Comparison) -> String {
    let all = comparison.disagreements.len();
    let list = |labels: &[String]| shown(&labels.join(" + "));
    let given = |labels: &Option<Vec<String>>| labels.as_deref().map_or("(no answer)".into(), list);
    let lines = comparison
        .disagreements
        .iter()
        .take(SHOWN)
        .map(|row| vec![shown(&row.id), list(&row.gold), given(&row.a), given(&row.b)]);
    let rest = match all.saturating_sub(SHOWN) {
        0 => String::new(),
        rest => format!("... and {rest} more: --json has them all\n"),
    };
    format!("\nrows with two different answers: {all}\n{}{rest}", aligned(&["id", "gold", "A", "B"], lines))
}
