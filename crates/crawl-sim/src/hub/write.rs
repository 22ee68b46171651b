//! Writes a row of a listing, or the body of a detail answer.

use super::card;
use super::fields::Fields;
use super::files;
use super::row::Row;
use super::text;
use super::weights::{Keeping, Model};
use super::world::{HubKind, Key, Stream};
use crate::dice::Dice;
use crate::json::{self, Array, Object};

/// One in so many rows has a field of an odd type.
const ODD_PER_MILLE: u64 = 5;

/// Writes the row as one JSON object. `renamed` is put before the id.
pub(super) fn row(out: &mut Vec<u8>, row: &Row<'_>, fields: &Fields, renamed: &str) {
    let mut object = Object::new(out);
    let id = renamed.to_owned() + &row.id();
    object.text("_id", &row.world.object_id(row.index));
    object.text("id", &id);
    let mut odd = row.world.dice(row.index, Stream::Oddities);
    let oddity = if odd.per_mille(ODD_PER_MILLE) { odd.below(6) } else { u64::MAX };
    for name in fields.names() {
        if !odd_field(&mut object, row, name, oddity) {
            field(&mut object, row, name, &id);
        }
    }
    object.end();
}

/// The few rows that a strict reader fails on.
fn odd_field(object: &mut Object<'_>, row: &Row<'_>, name: &str, oddity: u64) -> bool {
    match (oddity, name) {
        (0, "downloads") => {
            object.plain(name, format_args!("{}.5", row.world.number(Key::Downloads, row.index)));
        }
        (1, "downloads") => object.text(name, &row.world.number(Key::Downloads, row.index).to_string()),
        (2, "tags") => object.null(name),
        (3, "gated") => object.plain(name, true),
        (4, "likes") => object.null(name),
        (5, "tags") => object.text(name, "one, two"),
        _ => return false,
    }
    true
}

fn field(object: &mut Object<'_>, row: &Row<'_>, name: &str, id: &str) {
    let world = row.world;
    match name {
        "author" => row.owner.iter().for_each(|owner| object.text(name, owner)),
        "cardData" if row.traits.has_card => card::write(object.key(name), row),
        "sha" => object.text(name, &row.sha()),
        "createdAt" => object.plain(name, format_args!("\"{}\"", world.created(row.index))),
        "lastModified" => object.plain(name, format_args!("\"{}\"", world.modified(row.index))),
        "downloads" => object.plain(name, world.number(Key::Downloads, row.index)),
        "likes" => object.plain(name, world.number(Key::Likes, row.index)),
        "trendingScore" => object.plain(name, world.number(Key::Trending, row.index)),
        "private" => object.plain(name, world.altered(row.index).hidden),
        "disabled" => object.plain(name, row.is_disabled()),
        "gated" => object.plain(name, row.traits.gated),
        "tags" => tags(object, row),
        "siblings" => files::siblings(object.key(name), row, false),
        "siblings?blobs" => files::siblings(object.key("siblings"), row, true),
        "usedStorage" => object.plain(name, files::used_storage(row)),
        "downloadsAllTime" => object.plain(name, world.number(Key::Downloads, row.index) * 9 + 11),
        _ if world.kind == HubKind::Datasets => dataset_field(object, row, name),
        _ => model_field(object, row, name, id),
    }
}

fn tags(object: &mut Object<'_>, row: &Row<'_>) {
    let mut tags = Array::new(object.key("tags"));
    let mut tag = String::new();
    row.each_tag(|prefix, value| {
        tag.clear();
        tag.push_str(prefix);
        tag.push_str(value);
        json::text(tags.item(), &tag);
    });
    tags.end();
}

/// Fields that the double does not know are left out, as the Hub leaves out what it does not have.
fn dataset_field(object: &mut Object<'_>, row: &Row<'_>, name: &str) {
    // A stream of its own for each field: a choice of fields must not change their values.
    let mut dice = Dice::new(row.world.seed ^ row.index, crate::dice::hash(name));
    match name {
        "description" => {
            if let Some(description) = text::description(row) {
                object.text(name, &description);
            }
        }
        "citation" => match dice.below(100) {
            0..20 => object.text(name, &text::citation(&mut dice, row)),
            20..70 => object.null(name),
            _ => {}
        },
        "paperswithcode_id" => match dice.below(100) {
            0..8 => object.text(name, row.topic),
            8..60 => object.null(name),
            _ => {}
        },
        "mainSize" if dice.per_mille(600) => object.plain(name, dice.heavy(10.0, 1)),
        "key" if row.index < row.world.horizon / 4 => object.text(name, ""),
        _ => {}
    }
}

fn model_field(object: &mut Object<'_>, row: &Row<'_>, name: &str, id: &str) {
    let mut dice = Dice::new(row.world.seed ^ row.index, crate::dice::hash(name));
    match name {
        "modelId" => object.text(name, id),
        "pipeline_tag" => row.traits.pipeline.iter().for_each(|pipeline| object.text(name, pipeline)),
        "library_name" => row.traits.libraries.iter().take(1).for_each(|library| object.text(name, library)),
        "config" if dice.per_mille(700) && Model::of(row).keeping == Keeping::Safetensors => {
            let model = Model::of(row);
            object.object(name, |config| {
                config.texts("architectures", [model.class]);
                config.text("model_type", model.kind);
                config.object("tokenizer_config", |tokenizer| {
                    tokenizer.text("eos_token", "</s>");
                    if dice.per_mille(500) {
                        tokenizer.text(
                            "chat_template",
                            "{% for message in messages %}{{ message.content }}\n{% endfor %}",
                        );
                    }
                });
            });
        }
        "safetensors" if dice.per_mille(800) && Model::of(row).keeping != Keeping::Gguf => {
            let total = Model::of(row).parameters();
            object.object(name, |safetensors| {
                safetensors.object("parameters", |parameters| parameters.plain("BF16", total));
                safetensors.plain("total", total);
            });
        }
        "gguf" if Model::of(row).keeping == Keeping::Gguf => {
            let model = Model::of(row);
            object.object(name, |gguf| {
                gguf.plain("total", model.parameters());
                gguf.text("architecture", model.kind);
                gguf.plain("context_length", model.context);
            });
        }
        "model-index" if dice.per_mille(800) => object.null(name),
        "widgetData" if dice.per_mille(300) => {
            let mut examples = Array::new(object.key(name));
            json::object(examples.item(), |example| {
                example.text("text", "My name is Tern and I live in a nest.");
            });
            examples.end();
        }
        "childrenModelCount" => object.plain(name, dice.heavy(3.0, 4)),
        _ => {}
    }
}
