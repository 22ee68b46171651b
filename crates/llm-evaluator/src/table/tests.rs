//! Columns on a terminal.

use super::aligned;

#[test]
fn words_that_are_wide_on_a_terminal_or_have_marks_above_them_stay_in_their_columns() {
    let line = |label: &str, figure: &str| vec![label.to_owned(), figure.to_owned()];
    let text =
        aligned(&["label", "rows"], [line("数据", "1"), line("cafe\u{301}", "23"), line("Science", "4")]);
    // Two wide letters are four columns, a mark above a letter is none.
    assert_eq!(text, "label    rows\n数据        1\ncafe\u{301}       23\nScience     4\n");
}
