//! Card metadata: mostly what the Hub asks for, sometimes what people wrote instead.

use super::row::Row;
use super::text::sentence;
use super::words::{COLUMNS, DTYPES};
use super::world::{HubKind, Stream};
use crate::dice::Dice;
use crate::json::{self, Array, Object};

/// Writes the value of `cardData`.
pub(super) fn write(out: &mut Vec<u8>, row: &Row<'_>) {
    let mut dice = row.world.dice(row.index, Stream::Card);
    match dice.below(2000) {
        // A card that is not a mapping at all.
        0 => json::text(out, "see README"),
        1 => out.extend_from_slice(b"[]"),
        _ => json::object(out, |card| fill(card, &mut dice, row)),
    }
}

fn fill(card: &mut Object<'_>, dice: &mut Dice, row: &Row<'_>) {
    language(card, dice, row);
    license(card, dice, row);
    let traits = &row.traits;
    if row.world.kind == HubKind::Models {
        traits.pipeline.iter().for_each(|pipeline| card.text("pipeline_tag", pipeline));
        traits.libraries.iter().take(1).for_each(|library| card.text("library_name", library));
    } else {
        if !traits.tasks.is_empty() {
            card.texts("task_categories", traits.tasks.iter().copied());
        }
        if let Some(size) = traits.size {
            match dice.below(10) {
                0 => card.text("size_categories", size),
                _ => card.texts("size_categories", [size]),
            }
        }
    }
    if !traits.free.is_empty() {
        card.texts("tags", traits.free.iter().copied());
    }
    if dice.per_mille(400) {
        pretty_name(card, dice, row);
    }
    if row.world.kind == HubKind::Datasets {
        data(card, dice);
    }
    // To close it later is a setting, which the card does not tell.
    if (traits.gated != "false") != row.world.altered(row.index).gated {
        card.text("extra_gated_prompt", "Please say who you are; we read every request.");
    }
}

fn language(card: &mut Object<'_>, dice: &mut Dice, row: &Row<'_>) {
    let languages = &row.traits.languages;
    let Some(first) = languages.first() else { return };
    match dice.below(1000) {
        // YAML 1.1 reads `no` as false, and so did many cards.
        0..8 => card.key("language").extend_from_slice(b"[\"en\",false]"),
        8..14 => card.object("language", |by_split| by_split.texts("default", languages.iter().copied())),
        14..17 => card.null("language"),
        17..120 => card.text("language", first),
        _ => card.texts("language", languages.iter().copied()),
    }
}

fn license(card: &mut Object<'_>, dice: &mut Dice, row: &Row<'_>) {
    let Some(license) = row.traits.license else { return };
    match dice.below(1000) {
        0..4 => card.object("license", |by_part| by_part.texts("annotations", [license])),
        4..160 => card.texts("license", [license]),
        _ => card.text("license", license),
    }
    if license == "other" {
        card.text("license_name", "ask-us-first");
    }
}

fn pretty_name(card: &mut Object<'_>, dice: &mut Dice, row: &Row<'_>) {
    let mut name = String::new();
    match dice.below(100) {
        0 => card.null("pretty_name"),
        1 => card.texts("pretty_name", [row.first_name()]),
        2..15 => {
            sentence(&mut name, dice, row);
            card.text("pretty_name", name.trim_end());
        }
        _ => card.text("pretty_name", &row.first_name().replace(['-', '_'], " ")),
    }
}

/// `dataset_info` and `configs`: short mostly, with a tail of very long ones.
fn data(card: &mut Object<'_>, dice: &mut Dice) {
    let columns = match dice.below(1000) {
        0..400 => 0,
        400..880 => 2 + dice.below(10),
        880..985 => 12 + dice.below(70),
        _ => 60 + dice.below(240),
    };
    if columns > 0 {
        match dice.below(20) {
            0 => {
                let mut infos = Array::new(card.key("dataset_info"));
                for config in ["default", "extra"] {
                    json::object(infos.item(), |info| {
                        dataset_info(info, dice, columns / 2 + 1, Some(config));
                    });
                }
                infos.end();
            }
            _ => card.object("dataset_info", |info| dataset_info(info, dice, columns, None)),
        }
    }
    if dice.per_mille(550) {
        let mut configs = Array::new(card.key("configs"));
        json::object(configs.item(), |config| {
            config.text("config_name", "default");
            data_files(config, dice);
        });
        configs.end();
    }
}

fn data_files(config: &mut Object<'_>, dice: &mut Dice) {
    match dice.below(10) {
        0 => config.text("data_files", "*.csv"),
        1 => config.texts("data_files", ["a.jsonl", "b.jsonl"]),
        _ => {
            let mut files = Array::new(config.key("data_files"));
            for split in &["train", "test"][..1 + dice.below(2) as usize] {
                json::object(files.item(), |file| {
                    file.text("split", split);
                    file.text("path", &format!("data/{split}-*"));
                });
            }
            files.end();
        }
    }
}

fn dataset_info(info: &mut Object<'_>, dice: &mut Dice, columns: u64, config: Option<&str>) {
    if let Some(config) = config {
        info.text("config_name", config);
    }
    let mut features = Array::new(info.key("features"));
    let start = dice.below(COLUMNS.len() as u64);
    for number in 0..columns {
        let name = COLUMNS[((start + number * 3) % COLUMNS.len() as u64) as usize];
        let round = number / COLUMNS.len() as u64;
        json::object(features.item(), |feature| {
            feature.text("name", &if round == 0 { name.to_owned() } else { format!("{name}_{round}") });
            column_type(feature, dice);
        });
    }
    features.end();
    let (bytes, rows) = (dice.heavy(10.0, 1) + 1, dice.heavy(6.5, 1) + 1);
    let mut splits = Array::new(info.key("splits"));
    json::object(splits.item(), |split| {
        split.text("name", "train");
        split.plain("num_bytes", bytes);
        split.plain("num_examples", rows);
    });
    splits.end();
    info.plain("download_size", bytes / 3);
    info.plain("dataset_size", bytes);
}

fn column_type(feature: &mut Object<'_>, dice: &mut Dice) {
    match dice.below(12) {
        0 => feature.text("sequence", "string"),
        1 => feature.object("dtype", |dtype| {
            dtype.object("class_label", |label| {
                label.object("names", |names| {
                    for number in 0..2 + dice.below(5) {
                        names.text(&number.to_string(), &format!("class-{number}"));
                    }
                });
            });
        }),
        _ => feature.text("dtype", dice.pick_early(&DTYPES)),
    }
}
