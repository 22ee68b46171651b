//! Overviews split into their pages: recorded ones, and cells as Meta Kaggle has them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kaggle_crawler::sections::{Overview, to_markdown};

fn joined(overview: &Overview<'_>) -> String {
    overview.sections().iter().map(|section| section.text).collect()
}

#[allow(clippy::disallowed_methods, reason = "a test may be told where the samples are")]
fn recorded() -> BTreeMap<String, String> {
    let Some(folder) = std::env::var_os("GLEANER_SAMPLES") else {
        eprintln!("GLEANER_SAMPLES is not set: no recorded overviews are read");
        return BTreeMap::new();
    };
    let folder = PathBuf::from(folder).join("kaggle/competition_overviews");
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            found.insert(name, std::fs::read_to_string(path).unwrap());
        }
    }
    assert_eq!(found.len(), 82);
    found
}

/// Those without the heading itself.
const NO_DESCRIPTION: [&str; 2] = ["histopathologic-cancer-detection", "nfl-player-contact-detection"];
const NO_EVALUATION: [&str; 2] = ["hubmap-kidney-segmentation", "ml2021spring-hw2"];
/// Of them, those that have a page for it all the same.
const LIKE_EVALUATION: &str = "hubmap-kidney-segmentation";

#[test]
fn the_82_recorded_overviews_split_and_join_to_the_byte() {
    let mut wrong = Vec::new();
    for (name, text) in recorded() {
        let overview = Overview::split(&text);
        assert_eq!(joined(&overview), text, "{name}");
        let sure = |part: &Option<kaggle_crawler::sections::Part<'_>>| {
            part.as_ref().map(|part| (part.split_confidence >= 0.8, part.text.len() > 50))
        };
        let (description, evaluation) = (overview.description(), overview.evaluation());
        let expected =
            if NO_DESCRIPTION.contains(&&*name) { Some((false, true)) } else { Some((true, true)) };
        if sure(&description) != expected {
            wrong.push(format!("{name}: description {description:?}"));
        }
        let expected = match &*name {
            LIKE_EVALUATION => Some((false, true)),
            name if NO_EVALUATION.contains(&name) => None,
            _ => Some((true, true)),
        };
        if sure(&evaluation) != expected {
            wrong.push(format!("{name}: evaluation {evaluation:?}"));
        }
        if overview.dataset_description().is_none_or(|part| part.text.is_empty()) {
            wrong.push(format!("{name}: no dataset description"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn headings_of_all_kinds_are_found_and_those_in_code_are_not() {
    let text = "before\n\n# Overview\r\n\r\nDescription\r\n-----------\r\nwords\n```\n## Evaluation\n```\n\
                **Evaluation:**\n\nhow **Prizes** count\n\n**Not a page**\n\n<h2 class=\"x\">Timeline</h2>\n\nwhen\n\n\
                > ## Prizes\n\n## _Prizes_ ##\nmoney";
    let overview = Overview::split(text);
    assert_eq!(joined(&overview), text);
    let titles: Vec<_> =
        overview.sections().iter().map(|section| (section.level, section.title.as_str())).collect();
    let expected =
        [(0, ""), (1, "overview"), (2, "description"), (7, "evaluation"), (2, "timeline"), (2, "prizes")];
    assert_eq!(titles, expected);
    assert_eq!(overview.description().unwrap().text, "words\n```\n## Evaluation\n```");
    let evaluation = overview.evaluation().unwrap();
    assert_eq!(evaluation.text, "how **Prizes** count\n\n**Not a page**");
    assert_eq!(evaluation.split_confidence, 0.9);
}

#[test]
fn a_page_goes_on_below_its_own_heading_and_ends_at_the_next_page_whatever_its_level() {
    let text = "## Overview\n### Description\na\n#### Sub\nb\n#### Timeline\nc\n### Evaluation\n#### Evaluation\nd\n\
                ### Submission File\ne\n### About us\nf\n";
    let overview = Overview::split(text);
    let description = overview.description().unwrap();
    assert_eq!((description.text, description.split_confidence), ("a\n#### Sub\nb", 1.0));
    let evaluation = overview.evaluation().unwrap();
    assert_eq!(evaluation.text, "#### Evaluation\nd\n### Submission File\ne");
    assert_eq!(evaluation.split_confidence, 1.0);
    assert_eq!(overview.dataset_description(), None);
}

#[test]
fn a_page_that_would_be_empty_and_the_one_of_the_data_go_on_over_headings_of_their_level() {
    let text = "## Description\n\n## Goal\ng\n## Context\nc\n## Evaluation\ne\n# Dataset Description\n## Citation\n\
                d\n# Data\nf\n## Files\nx\n# Prizes\np\n";
    let overview = Overview::split(text);
    assert_eq!(overview.description().unwrap().text, "## Goal\ng\n## Context\nc");
    let data = overview.dataset_description().unwrap();
    assert_eq!(data.text, "## Citation\nd\n# Data\nf\n## Files\nx");
}

#[test]
fn what_is_not_named_is_found_with_less_confidence_or_not_at_all() {
    let guessed = Overview::split(
        "# Overview\n\nWhat it is about.\n\n## Supervised Evaluation\nx\n## Dataset Description\nd",
    );
    let description = guessed.description().unwrap();
    assert_eq!(
        (description.text, description.split_confidence),
        ("What it is about.\n\n## Supervised Evaluation\nx", 0.4)
    );
    assert_eq!(guessed.evaluation().unwrap().split_confidence, 0.6);
    let twice = Overview::split("## Evaluation\none\n## Prizes\np\n## Evaluation\ntwo\n");
    let evaluation = twice.evaluation().unwrap();
    assert_eq!((evaluation.text, evaluation.split_confidence), ("one", 0.8));
    for nothing in ["", "\n", "words only", "#hashtag", "# Data\n## Dataset Description\nd"] {
        let overview = Overview::split(nothing);
        assert_eq!(joined(&overview), nothing);
        assert_eq!((overview.description(), overview.evaluation()), (None, None), "{nothing}");
    }
}

#[test]
fn a_cell_of_headings_over_html_becomes_markdown_and_splits() {
    let cell = "# Overview\n\n\r\n\t<!-- Begin Base\r\nRules -->\r\n<div><div><p>Predict <b>it\r\n<p>now, $x_1 < 2$</div>\r\n\n\
                ## Description\r\n\r\n<p>Text with <strong>bold</strong><p>second\r\n<ul><li>one<li>two</ul>\r\n\
                <pre># no heading\r\n\r\n## neither\r\n</pre>\r\n<table><tr><th>a<th>b<tr><td>1<td>2</table>\
                <img src=\"/images/x.png\" alt=\"pic\">\r\n\r\n## Evaluation\n\nAlready *Markdown* with `<p>`.\n\n* list\n";
    let markdown = to_markdown(cell);
    let overview = Overview::split(&markdown);
    assert_eq!(joined(&overview), markdown);
    let description = overview.description().unwrap();
    assert_eq!(description.split_confidence, 1.0);
    for part in [
        "Text with **bold",
        "second",
        "one",
        "# no heading",
        "## neither",
        "| 1",
        "https://www.kaggle.com/images/x.png",
    ] {
        assert!(description.text.contains(part), "{part} is not in {}", description.text);
    }
    assert!(!markdown.contains("Begin Base") && !markdown.contains("<div>"), "{markdown}");
    assert!(markdown.contains("now, $x_1 < 2$"), "{markdown}");
    assert_eq!(overview.evaluation().unwrap().text, "Already *Markdown* with `<p>`.\n\n* list");
}

#[test]
fn a_cell_that_is_html_as_a_whole_has_its_headings() {
    let cell = "<!-- c --><h2>Description</h2>\r\n<p>About.\r\n<h3>More</h3><p>And so on.\r\n<h2><b>Evaluation</b></h2><p>By RMSE.";
    let markdown = to_markdown(cell);
    let overview = Overview::split(&markdown);
    assert_eq!(overview.description().unwrap().text, "About.\n\n### More\n\nAnd so on.");
    assert_eq!(overview.evaluation().unwrap().text, "By RMSE.");
}

#[test]
fn what_is_markdown_already_is_not_touched_and_what_is_never_closed_swallows_nothing() {
    for cell in
        ["", "# A\r\n\r\ntext <br> with <b>tags\r\n", "no *heading*\n\n<div>later</div>\n", "<- an arrow\n"]
    {
        assert_eq!(to_markdown(cell), cell);
    }
    // Markdown that begins with a tag: as HTML it would run together.
    for mixed in [
        "<p align=center>x</p>\n\n* one\n* two\n",
        "<b>Note:</b> first\n\nsecond\n",
        "<div>x</div>\n\none paragraph\n\nanother\n",
        "<br>\n```\ncode\n```\n",
    ] {
        assert_eq!(to_markdown(mixed), mixed);
    }
    assert_eq!(
        to_markdown("<b>Note:</b> first<br>\nsecond<ul><li>a</ul>"),
        "**Note:** first\nsecond\n\n- a\n"
    );
    let open = to_markdown("# Overview\n\n<p>a <pre>b\n\n## Evaluation\n\n<p>c\n");
    assert_eq!(Overview::split(&open).evaluation().unwrap().text, "c");
}

#[test]
fn hostile_texts_are_split_in_time() {
    let begun = std::time::Instant::now();
    for text in [
        "# ".repeat(200_000),
        "#\n".repeat(100_000),
        "<".repeat(300_000),
        "**a\n\n".repeat(50_000),
        "<!--\n".repeat(50_000),
        "> ".repeat(20_000),
        "<h2>\n\n".repeat(30_000),
        "<pre>\n".repeat(30_000),
    ] {
        let overview = Overview::split(&text);
        assert_eq!(joined(&overview), text);
        let _ = (overview.description(), to_markdown(&text));
    }
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
