//! A hit in a list: its name, why it is there, and what matters most of it.

use maud::{Markup, html};
use model_facts::hardware::CACHE_BITS;

use super::answer::Ask;
use super::asked::link;
use super::{meaning, memory, show};
use crate::document::Value;
use crate::query::Parsed;
use crate::search::{Hit, Tier};
use crate::shown::Shown;

/// What is told of each, also where it is unknown, if the index has the column.
const CHIPS: &[&str] = &["params", "license", "downloads", "updated"];
/// What is told where it is known.
const MORE: &[&str] = &["task", "library", "architecture", "quantisation"];

/// What tells a record from all others.
pub(super) fn key(shown: &Shown) -> String {
    format!("{}:{}", shown.source, shown.id)
}

/// Its name as a link to its page.
pub(super) fn name(shown: &Shown) -> Markup {
    let name = if shown.id.ends_with(shown.name.as_str()) { &shown.id } else { &shown.name };
    let name = if name.trim().is_empty() { "(without a name)" } else { name };
    html! { a href=(link("/model", "key", &key(shown))) { bdi { (show::beginning(name, 160)) } } }
}

pub(super) fn item(ask: &Ask, hit: &Hit, words: &[String]) -> Markup {
    let shown = &hit.shown;
    let key = key(shown);
    let other = (shown.name != shown.id && !shown.id.ends_with(shown.name.as_str())).then_some(&shown.id);
    html! {
        li.hit {
            div.head {
                h2 { (name(shown)) }
                label.pick {
                    input type="checkbox" name="key" value=(key) form="compare" autocomplete="off";
                    span { "Compare" span.hidden { " " (show::beginning(&shown.id, 100)) } }
                }
            }
            p.why {
                (why(ask, hit, words)) " · " (show::text(&shown.source))
                @if let Some(id) = other { " · " bdi { (show::beginning(id, 100)) } }
                @if let Some(variants) = hit.variants.filter(|variants| *variants > 0) {
                    " · and " (show::grouped(variants)) @if variants == 1 { " variant of it" } @else { " variants of it" }
                }
            }
            (chips(ask, shown))
            @if let Some(prose) = prose(&shown.excerpt) { p.excerpt dir="auto" { (show::beginning(prose, 180)) } }
        }
    }
}

/// What a text says beyond the facts above it: without single words at its end, where mappings put types and classes.
pub(super) fn prose(mut text: &str) -> Option<&str> {
    while let Some((before, last)) = text.trim_end().rsplit_once('\n') {
        if last.trim().contains(char::is_whitespace) {
            break;
        }
        text = before;
    }
    text.split_whitespace().nth(4).map(|_| text)
}

/// Why it is there, in a line.
fn why(ask: &Ask, hit: &Hit, words: &[String]) -> String {
    match hit.tier {
        Tier::Id => "Its id is what you typed".into(),
        Tier::Name => "Its name is what you typed".into(),
        Tier::InName => "All words are in its name".into(),
        Tier::Sorted => {
            let order = ask.asked.one("sort").unwrap_or("popularity");
            let column = order.split(':').next().unwrap_or_default();
            let place = format!("By {}", show::label(column).to_lowercase());
            if ask.asked.filters().next().is_some() {
                format!("Passes the filters; {}", place.to_lowercase())
            } else {
                place
            }
        }
        Tier::Ranks => {
            let shown = &hit.shown;
            let (name, tags) = (shown.id.to_lowercase(), shown.tags.join(" ").to_lowercase());
            let text = shown.excerpt.to_lowercase();
            let mut found: Vec<String> = Vec::new();
            for word in words.iter().take(5) {
                let place = match word {
                    word if name.contains(word) => "its name",
                    word if tags.contains(word) => "its tags",
                    word if text.contains(word) => "its text",
                    _ => continue,
                };
                found.push(format!("“{}” in {place}", show::beginning(word, 30)));
            }
            match found.is_empty() {
                true => "By words further down in its text, or by meaning".into(),
                false => found.join(", "),
            }
        }
    }
}

/// The words of a query, in lower case.
pub(super) fn words(ask: &Ask) -> Vec<String> {
    let typed = ask.asked.one("q").unwrap_or_default();
    let parsed = Parsed::of(typed, ask.index.columns(), ask.index.devices()).unwrap_or_default();
    let words = parsed.words.iter().chain(&parsed.must);
    words.map(|word| word.text.to_lowercase()).filter(|word| !word.is_empty()).collect()
}

/// The key facts.
pub(super) fn chips(ask: &Ask, shown: &Shown) -> Markup {
    let columns = ask.index.columns();
    let context = ask.asked.context().unwrap_or(crate::hardware::CONTEXT);
    let has = |column: &&&str| columns.contains_key(**column);
    html! {
        dl.chips {
            @for column in CHIPS.iter().filter(has).take(1) { (chip(ask, shown, column)) }
            @if columns.contains_key("weight_bytes") {
                div { dt { "Memory, " (memory::tokens(context)) } dd { (likely(shown, context)) } }
            }
            @for column in CHIPS.iter().filter(has).skip(usize::from(columns.contains_key("params"))) {
                (chip(ask, shown, column))
            }
            @for column in MORE.iter().filter(has).filter(|column| shown.columns.contains_key(**column)) {
                (chip(ask, shown, column))
            }
        }
    }
}

/// Likely memory, or that it is unknown.
pub(super) fn likely(shown: &Shown, context: u64) -> Markup {
    match memory::footprint(shown).memory(context, CACHE_BITS).likely {
        Some(bytes) => derived(&show::bytes(bytes as f64), memory::FORMULA),
        None => html! { span.unknown { "unknown" } },
    }
}

fn chip(ask: &Ask, shown: &Shown, column: &str) -> Markup {
    html! { div { dt { (show::label(column)) } dd { (value(ask, shown, column, 2)) } } }
}

/// A value that says whether it was told, worked out, or is unknown.
pub(super) fn value(ask: &Ask, shown: &Shown, column: &str, most: usize) -> Markup {
    let kind = ask.index.columns().get(column).copied();
    let (Some(cell), Some(kind)) = (shown.columns.get(column), kind) else {
        return html! { span.unknown { "unknown" } };
    };
    let text = show::cell(column, kind, cell, most);
    if cell.derived {
        return derived(&text, &meaning::formula(&shown.source, column));
    }
    let exact = match &cell.value {
        Value::Number(number) => show::exact(column, kind, *number),
        Value::Texts(_) => None,
    };
    html! { span title=[exact] { bdi { (text) } } }
}

/// A value that was worked out, and how.
pub(super) fn derived(text: &str, formula: &str) -> Markup {
    html! { span.derived title=(formula) { bdi { (text) } span.hidden { " (derived)" } } }
}

#[cfg(test)]
mod tests {
    use super::prose;

    #[test]
    fn prose_is_more_than_a_few_words() {
        assert_eq!(
            prose("It answers questions in English.\nllama\nLlamaForCausalLM"),
            Some("It answers questions in English.")
        );
        assert_eq!(prose("llama LlamaForCausalLM"), None);
        assert_eq!(prose("a\nb\nc\nd\ne"), None);
        assert_eq!(prose(""), None);
    }
}
