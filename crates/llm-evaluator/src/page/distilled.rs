//! The page of a distilled head.

use maud::html;

use super::{chart, key, part, table, whole};
use crate::distil::{Distilled, Step, line, signed};
use crate::headline::Figure;
use crate::table::number;

/// One HTML page: how good a head is, and the curve of money against F1. It loads nothing, and runs nothing.
pub fn distilled_page(distilled: &Distilled) -> String {
    let Step { spared, agreement, f1, difference, .. } = &distilled.chosen;
    let unseen = &distilled.unseen;
    let less = signed(Figure { interval: None, ..*difference });
    let tiles = [
        (number(*spared), "of the records are spared", None),
        (number(agreement.precision), "of these as the model said", agreement.interval),
        (number(unseen.precision), "the same, of rows unseen by the threshold", unseen.interval),
        (number(f1.value), "micro F1 on gold, head and model", f1.interval),
        (less, "that less the model's alone", difference.interval),
    ];
    let head = ["from", "spared", "dollars a 1,000", "agreement", "F1 on gold", "less the model's"];
    let content = html! {
        section {
            h2 { "Summary" }
            div.tiles { @for (figure, name, interval) in &tiles { (part::tile(figure, name, *interval)) } }
            p {
                (distilled.trained_on) " rows learnt from, " (distilled.held_out) " held out; all figures are of these. Below, and in "
                "brackets: 95 % intervals."
            }
        }
        section {
            h2 { "Money against F1" }
            (chart::money(&distilled.curve))
            (key(&[("one", "F1 on gold"), ("two", "agreement with the model")]))
            (table(&head, distilled.curve.iter().map(line)))
        }
    };
    whole(&distilled.task, "distilled", &content)
}
