//! Generated prose: descriptions as the Hub cuts them, and citations.

use super::row::Row;
use super::words::{COMMON_SENTENCES, FAMILY, FOREIGN_SENTENCES, HEADINGS};
use super::world::Stream;
use crate::dice::Dice;

/// `None` where the Hub has none.
pub(super) fn description(row: &Row<'_>) -> Option<String> {
    let mut dice = row.world.dice(row.index, Stream::Description);
    match dice.below(1000) {
        0..230 => return None,
        230..250 => return Some(String::new()),
        _ => {}
    }
    let mut text = String::with_capacity(600);
    if dice.per_mille(750) {
        heading(&mut text, &format!("Dataset Card for {}", row.name));
    }
    let paragraphs = 1 + dice.below(4);
    let mut said = Vec::new();
    for paragraph in 0..paragraphs {
        if paragraph > 0 {
            heading(&mut text, dice.pick(&HEADINGS));
        }
        for _ in 0..=dice.below(4) {
            fresh_sentence(&mut text, &mut dice, row, &mut said);
        }
        text.push_str("\n\n");
    }
    let text = text.trim_end();
    Some(if text.len() > 420 { cut(text, row) } else { text.to_owned() })
}

pub(super) fn citation(dice: &mut Dice, row: &Row<'_>) -> String {
    let (author, year) = (dice.pick(&FAMILY), 2015 + dice.below(12));
    // Some are broken, as people's BibTeX is.
    let end = if dice.per_mille(150) { "" } else { "\n}" };
    format!(
        "@inproceedings{{{author}{year}{},\n  title={{{}: notes on {}}},\n  author={{{author}, M. and others}},\n  year={{{year}}}{end}",
        row.index, row.name, row.topic
    )
}

/// One sentence about the theme, or a common or a foreign one.
pub(super) fn sentence(text: &mut String, dice: &mut Dice, row: &Row<'_>) {
    let template = pick_template(dice, row);
    fill(text, dice, row, template);
}

/// One that was not said yet; after a few throws any will do.
fn fresh_sentence(text: &mut String, dice: &mut Dice, row: &Row<'_>, said: &mut Vec<&'static str>) {
    let thrown: [_; 4] = std::array::from_fn(|_| pick_template(dice, row));
    let template = thrown.into_iter().find(|template| !said.contains(template)).unwrap_or(thrown[0]);
    said.push(template);
    fill(text, dice, row, template);
}

fn pick_template(dice: &mut Dice, row: &Row<'_>) -> &'static str {
    match dice.below(100) {
        0..60 => dice.pick(row.theme.sentences),
        60..90 => dice.pick(&COMMON_SENTENCES),
        _ => dice.pick(&FOREIGN_SENTENCES),
    }
}

fn fill(text: &mut String, dice: &mut Dice, row: &Row<'_>, template: &str) {
    let number = dice.heavy(5.0, 1) + 2;
    for (position, piece) in template.split('{').enumerate() {
        match (position, piece.split_at_checked(2)) {
            (1.., Some(("n}", rest))) => {
                text.push_str(&number.to_string());
                text.push_str(rest);
            }
            (1.., Some(("t}", rest))) => {
                text.push_str(&row.topic.replace('-', " "));
                text.push_str(rest);
            }
            (0, _) => text.push_str(piece),
            _ => {
                text.push('{');
                text.push_str(piece);
            }
        }
    }
    text.push(' ');
}

fn heading(text: &mut String, title: &str) {
    text.push_str("\n\t\n\t\t\n\t\t");
    text.push_str(title);
    text.push_str("\n\t\n\n");
}

fn cut(text: &str, row: &Row<'_>) -> String {
    let end = text.floor_char_boundary(400);
    format!(
        "{}… See the full description on the dataset page: https://huggingface.co/datasets/{}.",
        text[..end].trim_end(),
        row.id()
    )
}
