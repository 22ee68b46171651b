//! Discourse's own expectations of HTML to Markdown.

use html_markdown::{Mode, Options, markdown};

use crate::samples;

/// Which of the pairs we do not give, and why. Everything else must be equal.
const NOT_OURS: &[(usize, &str)] = &[];

#[test]
fn at_least_45_of_the_51_official_pairs_are_given_in_the_mode_composer() {
    let Some(folder) = samples::folder("discourse/markdown_pairs") else { return };
    let pairs = samples::json(&folder.join("discourse_to_markdown_pairs.json"));
    let options = Options::discourse(None).mode(Mode::Composer);
    let mut wrong = Vec::new();
    for (index, pair) in pairs.as_array().unwrap().iter().enumerate() {
        let expected = pair["markdown"].as_str().unwrap();
        let given = markdown(pair["html"].as_str().unwrap(), &options);
        if given != expected {
            eprintln!("--- pair {index}: expected\n{expected}\n--- given\n{given}\n");
            wrong.push(index);
        }
    }
    let known: Vec<usize> = NOT_OURS.iter().map(|(index, _)| *index).collect();
    assert_eq!(wrong, known);
    assert!(pairs.as_array().unwrap().len() - wrong.len() >= 45);
}
