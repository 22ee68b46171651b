//! The page of a distilled head.

use super::{Html, begin, chart, end, part};
use crate::distil::{Distilled, Step, signed};
use crate::headline::Figure;
use crate::table::{UNKNOWN, number, within};

/// One HTML page: how good a head is, and the curve of money against F1. It loads nothing, and runs nothing.
pub fn distilled_page(distilled: &Distilled) -> String {
    let mut html = Html::default();
    begin(&mut html, &distilled.task, "distilled");
    html.raw("<section>").element("h2", "", "Summary").raw("<div class=\"tiles\">");
    let Step { spared, agreement, f1, difference, .. } = &distilled.chosen;
    let unseen = &distilled.unseen;
    let tiles = [
        (number(*spared), "of the records are spared", None),
        (number(agreement.precision), "of these as the model said", agreement.interval),
        (number(unseen.precision), "the same, of rows unseen by the threshold", unseen.interval),
        (number(f1.value), "micro F1 on gold, head and model", f1.interval),
        (
            signed(Figure { interval: None, ..*difference }),
            "that less the model's alone",
            difference.interval,
        ),
    ];
    for (figure, name, interval) in tiles {
        part::tile(&mut html, &figure, name, interval);
    }
    let note = format!(
        "{} rows learnt from, {} held out; all figures are of these. Below, and in brackets: 95 % intervals.",
        distilled.trained_on, distilled.held_out
    );
    html.raw("</div>").element("p", "", &note).raw("</section>");
    html.raw("<section>").element("h2", "", "Money against F1").raw(&chart::money(&distilled.curve));
    html.raw("<div class=\"key\"><span class=\"one\">F1 on gold</span><span class=\"two\">agreement with the model</span></div>");
    let line = |step: &Step| {
        vec![
            step.threshold.map_or("never".into(), |threshold| format!("{threshold:.4}")),
            number(step.spared),
            step.dollars.map_or(UNKNOWN.into(), |dollars| format!("{:.4}", dollars * 1000.0)),
            within(step.agreement.precision, step.agreement.interval),
            within(step.f1.value, step.f1.interval),
            signed(step.difference),
        ]
    };
    let head = ["from", "spared", "dollars a 1,000", "agreement", "F1 on gold", "less the model's"];
    html.table(&head, distilled.curve.iter().map(line)).raw("</section>");
    end(html)
}
