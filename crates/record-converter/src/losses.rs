//! Cells whose value did not come through, counted and named.

/// So many are kept by name; the others are only counted.
const NAMED: usize = 100;

/// A cell whose value is not, or not wholly, in the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostCell {
    /// The sheet and the address, e.g. `Sheet1!B12`; the sheet alone if all of it is lost.
    pub place: String,
    /// Why, and what stands in its place.
    pub why: String,
}

/// A number of lost cells, the first of them by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    pub(crate) count: u64,
    pub(crate) named: Vec<LostCell>,
}

impl Losses {
    /// Counts a cell; `name` tells its place and why, and is asked only for the first ones.
    pub(crate) fn note(&mut self, name: impl FnOnce() -> (String, String)) {
        self.count += 1;
        if self.named.len() < NAMED {
            let (place, why) = name();
            self.named.push(LostCell { place: visible(&place), why: visible(&why) });
        }
    }

    /// Takes over the losses of a row of `sheet`.
    pub(crate) fn absorb(&mut self, sheet: &str, row: Losses) {
        self.count += row.count;
        let room = NAMED - self.named.len().min(NAMED);
        let full = |cell: LostCell| LostCell { place: visible(&format!("{sheet}!{}", cell.place)), ..cell };
        self.named.extend(row.named.into_iter().take(room).map(full));
    }
}

/// Text of a stranger, so that a terminal shows it and obeys none of it.
pub(crate) fn visible(text: &str) -> String {
    let odd = |character: char| {
        character.is_control()
            || matches!(character, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|character| if odd(character) { '\u{FFFD}' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_are_named() {
        let mut row = Losses::default();
        for number in 0..150 {
            row.note(|| (format!("A{number}"), "why\u{1b}[31m".into()));
        }
        let mut all = Losses::default();
        all.absorb("S\u{202e}", row.clone());
        all.absorb("T", row);
        assert_eq!((all.count, all.named.len()), (300, 100));
        assert_eq!(all.named[0], LostCell { place: "S\u{FFFD}!A0".into(), why: "why\u{FFFD}[31m".into() });
    }
}
