//! Which number formats show a date, a time of day or a duration.

use std::collections::HashMap;

use quick_xml::events::Event;

use super::Fault;
use super::xml::{Xml, attribute};

/// What a number format makes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A number, a percentage, an amount of money, text.
    Number,
    Date,
    /// A time of day.
    Time,
    /// A date with a time of day.
    Both,
    /// Hours, minutes or seconds that go on beyond a day, a hour, a minute.
    Duration,
}

/// The forms of the cell styles of a workbook.
#[derive(Default)]
pub(crate) struct Styles {
    forms: Vec<Form>,
}

impl Styles {
    /// Reads the part with the styles.
    ///
    /// # Errors
    /// If it is damaged.
    pub(crate) fn read(mut xml: Xml<'_>) -> Result<Self, Fault> {
        let mut own: HashMap<u32, Form> = HashMap::new();
        let mut formats: Vec<u32> = Vec::new();
        let mut cells = 0;
        loop {
            let depth = xml.depth();
            match xml.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "cellXfs" => cells = depth + 1,
                    "xf" if cells > 0 => formats.push(number(attribute(&element, "numFmtId"))),
                    // The formats of conditional formatting (`dxf`) lie deeper and have numbers of their own.
                    "numFmt" if depth == 2 => {
                        let code = attribute(&element, "formatCode").unwrap_or_default();
                        own.insert(number(attribute(&element, "numFmtId")), form(&code));
                    }
                    _ => {}
                },
                Event::End(_) if depth == cells => cells = 0,
                Event::Eof => break,
                _ => {}
            }
        }
        let find = |format: &u32| own.get(format).copied().unwrap_or_else(|| builtin(*format));
        Ok(Styles { forms: formats.iter().map(find).collect() })
    }

    /// The form of cell style `style`.
    pub(crate) fn form(&self, style: usize) -> Form {
        self.forms.get(style).copied().unwrap_or(Form::Number)
    }
}

fn number(text: Option<String>) -> u32 {
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

/// The formats that every workbook has without saying so. 27 to 36 and 50 to 58 are East Asian; each language has
/// another one, so these are told by what most of them show.
fn builtin(format: u32) -> Form {
    match format {
        14..=17 | 27..=31 | 36 | 50..=54 | 57 | 58 => Form::Date,
        18..=21 | 32..=35 | 45 | 47 | 55 | 56 => Form::Time,
        22 => Form::Both,
        46 => Form::Duration,
        _ => Form::Number,
    }
}

/// The form of a format's code: of the first of its sections that has one.
fn form(code: &str) -> Form {
    // Excel allows 255 characters.
    let code: String = code.chars().take(1_000).flat_map(char::to_lowercase).collect();
    let code = code.replace("general", "");
    let mut letters = Vec::new();
    let mut characters = code.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' | '_' | '*' => {
                characters.next();
            }
            '"' => {
                characters.by_ref().find(|closing| *closing == '"');
            }
            '[' => {
                let inner: String = characters.by_ref().take_while(|closing| *closing != ']').collect();
                let first = inner.chars().next().unwrap_or(' ');
                if "hms".contains(first) && inner.chars().all(|other| other == first) {
                    return Form::Duration;
                }
            }
            ';' => match of_letters(&letters) {
                Form::Number => letters.clear(),
                found => return found,
            },
            // `AM/PM` and `A/P`.
            'a' if matches!(characters.peek(), Some('m' | '/')) => {
                letters.push('h');
                while characters.next_if(|next| "m/p".contains(*next)).is_some() {}
            }
            'y' | 'm' | 'd' | 'h' | 's' | 'b' | 'g' => letters.push(character),
            // `0.0E+0` has an exponent; a Japanese year is `e` too.
            'e' if !matches!(characters.peek(), Some('+' | '-')) => letters.push('y'),
            _ => {}
        }
    }
    of_letters(&letters)
}

/// The form that the letters of a section have. `m` is a month, unless it stands after hours or before seconds.
fn of_letters(letters: &[char]) -> Form {
    let (mut date, mut time) = (false, false);
    let mut runs = letters.chunk_by(|one, other| one == other).peekable();
    let mut before = ' ';
    while let Some(run) = runs.next() {
        let letter = run[0];
        match letter {
            'h' | 's' => time = true,
            'm' if run.len() < 3 && (before == 'h' || runs.peek().is_some_and(|next| next[0] == 's')) => {
                time = true;
            }
            _ => date = true,
        }
        before = letter;
    }
    match (date, time) {
        (true, true) => Form::Both,
        (true, false) => Form::Date,
        (false, true) => Form::Time,
        (false, false) => Form::Number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_code_is_what_it_shows() {
        let check = |expected: Form, codes: &[&str]| {
            for code in codes {
                assert_eq!(form(code), expected, "{code}");
            }
        };
        check(
            Form::Number,
            &[
                "General",
                "0.00E+00",
                "0%",
                "@",
                "#,##0\\ [$\u{20bd}-46D]",
                "_(* #,##0_);[Red](#,##0)",
                "0 \"days\"",
                "[Red]-0",
                "GENERAL \"kg\"",
                "[$USD] 0",
                "\"yyyy\"",
                ";;;",
                "",
                "0.0\\d",
            ],
        );
        check(
            Form::Date,
            &["yyyy-mm-dd", "[$-409]d\\-mmm\\-yy;@", "mmm", "mm/yy", "[$-411]ge.m.d", "[=0]\"\";dd.mm.yyyy"],
        );
        check(Form::Time, &["h:mm", "mm:ss", "hh:mm AM/PM", "h a/p", "mmss.0", "ss"]);
        check(Form::Both, &["yyyy\\-mm\\-dd\\Thh:mm", "m/d/yy h:mm", "mmmm h:mm:ss.000"]);
        check(Form::Duration, &["[h]:mm", "[mm]:ss", "[Red][s]"]);
    }
}
