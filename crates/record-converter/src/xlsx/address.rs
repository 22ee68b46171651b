//! The addresses of cells: `A1` is column 0 of row 1.

/// The column, from 0, and the row, from 1, of an address such as `B12`. Beyond any sheet they are as large as said.
pub(crate) fn parse(address: &str) -> Option<(u64, u64)> {
    let address = address.trim();
    let split = address.find(|character: char| character.is_ascii_digit())?;
    let (letters, digits) = address.split_at(split);
    let letters = letters.strip_prefix('$').unwrap_or(letters);
    let letters = letters.strip_suffix('$').unwrap_or(letters);
    // More letters or digits than this name no cell, and would not fit.
    if letters.is_empty() || letters.len() > 7 || digits.len() > 15 {
        return None;
    }
    let mut column = 0;
    for letter in letters.bytes() {
        if !letter.is_ascii_alphabetic() {
            return None;
        }
        column = column * 26 + u64::from(letter.to_ascii_uppercase() - b'A') + 1;
    }
    let row = digits.parse().ok().filter(|row| *row > 0)?;
    Some((column - 1, row))
}

/// The letters of a column: `A` for 0.
pub(crate) fn letters(column: u64) -> String {
    let last = char::from(b'A' + (column % 26) as u8);
    if column < 26 { last.to_string() } else { format!("{}{last}", letters(column / 26 - 1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_spelled() {
        assert_eq!(parse("A1"), Some((0, 1)));
        assert_eq!(parse("$xfd$1048576"), Some((16_383, 1_048_576)));
        for none in ["", "1", "A", "A0", "A-1", "A1B", "É1", "AAAAAAAA1", "A99999999999999999"] {
            assert_eq!(parse(none), None, "{none}");
        }
        for column in [0, 25, 26, 701, 702, 16_383, 99_999] {
            assert_eq!(parse(&format!("{}7", letters(column))), Some((column, 7)));
        }
    }
}
