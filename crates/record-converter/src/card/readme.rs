//! `README.md`: a dataset card as hubs read it.

use crawl_core::table::Type;

use super::{Card, Form};

pub(super) fn text(card: &Card) -> String {
    let mut text = format!("---\npretty_name: {}\nconfigs:\n", yaml(&card.name));
    for (at, table) in card.tables.iter().enumerate() {
        let name = if at == 0 { "default".to_owned() } else { format!("table_{}", at + 1) };
        text.push_str(&format!("- config_name: {name}\n  data_files: {}\n", yaml(&pattern(&table.file))));
    }
    text.push_str(&format!("---\n\n# {}\n\n{}\n", plain(&card.name), plain(&card.about)));
    for table in &card.tables {
        let form = match table.form {
            Form::Parquet => "Parquet",
            Form::Csv => "CSV",
        };
        text.push_str(&format!(
            "\n## {}\n\n{form}, {} rows, {} bytes, SHA-256 `{}`\n\n| column | type |\n|---|---|\n",
            plain(&table.file),
            table.rows,
            table.bytes,
            table.sha256
        ));
        for column in &table.columns {
            let kind = match column.kind {
                Type::Int => "whole number",
                Type::Float => "number",
                Type::Bool => "true or false",
                Type::Text => "text",
                Type::Texts => "list of texts",
                Type::Time => "time, UTC",
                Type::Json => "JSON text",
            };
            text.push_str(&format!("| {} | {kind} |\n", plain(&column.name)));
        }
    }
    if !card.origins.is_empty() {
        text.push_str("\n## Made from\n\n| source | records | SHA-256 of its manifest, or of the file |\n|---|---|---|\n");
    }
    for origin in &card.origins {
        let records = origin.records.map_or_else(|| "not known".to_owned(), |records| records.to_string());
        text.push_str(&format!("| {} | {records} | `{}` |\n", plain(&origin.name), origin.sha256));
    }
    text.push_str(&format!("\nMade {}. `croissant.json` says the same for programs.\n", card.made));
    text
}

/// A YAML string in quotes; the escapes are those of JSON, which YAML has too.
fn yaml(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\u{2028}' | '\u{2029}' | '\u{FEFF}' => quoted.push_str(&format!("\\u{:04X}", u32::from(letter))),
            _ if letter.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(letter))),
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// A file name that is not taken for a pattern.
fn pattern(file: &str) -> String {
    let class =
        |letter: char| if "*?[".contains(letter) { format!("[{letter}]") } else { letter.to_string() };
    file.chars().map(class).collect()
}

/// Text that is text in Markdown, in a table too, and never a tag, a link or another cell.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' | '~' | '$' => out.extend(['\\', letter]),
            _ if letter.is_control() => out.push(' '),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_in_their_places() {
        assert_eq!(plain("a|b<script>[x](y)`c`\n# d"), "a\\|b&lt;script&gt;\\[x\\](y)\\`c\\` \\# d");
        assert_eq!(yaml("a\"b\\c\n---\nd: e\u{2028}\u{85}"), r#""a\"b\\c\u000A---\u000Ad: e\u2028\u0085""#);
        assert_eq!(pattern("a*[b]?.csv"), "a[*][[]b][?].csv");
    }
}
