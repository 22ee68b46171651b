//! The table of a distilled head.

use super::{Aim, Distilled, Step};
use crate::headline::Figure;
use crate::interval::Interval;
use crate::table::{UNKNOWN, aligned, number, shown, within};

/// How a head came to be, how good it is, and what other thresholds would do.
pub fn distilled_table(distilled: &Distilled) -> String {
    let Distilled { chosen, unseen, model, .. } = distilled;
    let models: Vec<_> = distilled.models.iter().map(|model| shown(model)).collect();
    let looked_at = distilled.trained_on + distilled.held_out + distilled.unknown;
    let not_drawn = distilled.labelled.saturating_sub(looked_at);
    let mut text = format!(
        "task      {}\nlabels    {}, by {}\nrows      {} labelled by a model; {} learnt from, {} held out ({} of them in gold), {} left out, \
         whose words the table does not know{}\n",
        shown(&distilled.task),
        shown(&distilled.labels),
        if models.is_empty() { "a model that is not named".to_owned() } else { models.join(", ") },
        distilled.labelled,
        distilled.trained_on,
        distilled.held_out,
        distilled.gold,
        distilled.unknown,
        if not_drawn > 0 { format!(", {not_drawn} not drawn") } else { String::new() },
    );
    if distilled.not_paid > 0 {
        text.push_str(&format!("          {} labels of rules or heads were left out\n", distilled.not_paid));
    }
    text.push_str(&match distilled.aim {
        Aim::Agreement(wished) => {
            format!("wished    an agreement of at least {wished}, by the low end of its interval\n")
        }
        Aim::Spare(share) => format!(
            "wished    to spare at most {share} of the records, and never to be worse than the model\n"
        ),
    });
    text.push_str(&match chosen.threshold {
        Some(threshold) => format!(
            "\nthe head answers from {threshold:.4} on\nspared            {}\nagreement         {}\n  of unseen rows  {} ({} rows)\n",
            number(chosen.spared),
            within(chosen.agreement.precision, chosen.agreement.interval),
            within(unseen.precision, unseen.interval),
            unseen.kept,
        ),
        None => "\nno threshold does what is wished: the head will never answer\n".to_owned(),
    });
    if distilled.gold > 0 {
        text.push_str(&format!(
            "F1 on gold        {}; the model alone {}; difference {}\n",
            within(chosen.f1.value, chosen.f1.interval),
            within(model.f1.value, model.f1.interval),
            signed(chosen.difference)
        ));
    }
    let head = ["at least", "spared", "dollars a 1,000", "agreement", "F1 on gold", "less the model's"];
    let lines = distilled.curve.iter().map(line);
    text.push_str(&format!("\nother thresholds, on the rows that were held out\n{}", aligned(&head, lines)));
    text
}

/// A step of the curve, in the columns of the table and of the page.
pub(crate) fn line(step: &Step) -> Vec<String> {
    vec![
        step.threshold.map_or("never".into(), |threshold| format!("{threshold:.4}")),
        number(step.spared),
        step.dollars.map_or(UNKNOWN.into(), |dollars| format!("{:.4}", dollars * 1000.0)),
        within(step.agreement.precision, step.agreement.interval),
        within(step.f1.value, step.f1.interval),
        signed(step.difference),
    ]
}

pub(crate) fn signed(figure: Figure) -> String {
    match (figure.value, figure.interval) {
        (Some(value), Some(Interval { low, high })) => format!("{value:+.3} ({low:+.3} to {high:+.3})"),
        (Some(value), None) => format!("{value:+.3}"),
        (None, _) => UNKNOWN.into(),
    }
}
