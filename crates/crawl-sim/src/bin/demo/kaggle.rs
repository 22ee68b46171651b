//! Kaggle: each of its parts, from a double of the service.

use crawl_sim::{Kaggle, KaggleConfig};

use crate::stage::{Result, Stage, say};

/// The programs that it runs, by package.
pub(crate) const PROGRAMS: [&str; 1] = ["kaggle-crawler"];

/// What each part shows: what is said, its name, and its flags.
const STEPS: [(&str, &str, &[&str]); 5] = [
    ("Competitions: Meta Kaggle's table, then texts and leaderboards", "competitions", &[]),
    (
        "Datasets: those that are rated 0.8 and better, with their files",
        "datasets",
        &["--limit", "60", "--max-size", "1MiB"],
    ),
    ("Notebooks and scripts, with what they import", "kernels", &["--limit", "60"]),
    ("Models, with all variations and their files", "models", &["--limit", "20", "--max-size", "1MiB"]),
    (
        "Discussions, with all comments, authors under other names",
        "discussions",
        &["--limit", "60", "--pseudonyms"],
    ),
];

pub(crate) fn show(stage: &Stage) -> Result<()> {
    let config = KaggleConfig {
        competitions: 40,
        datasets: 300,
        kernels: 200,
        models: 60,
        topics: 200,
        users: 200,
        ..KaggleConfig::default()
    };
    let double = stage.runtime.block_on(Kaggle::start(config));
    let double = double.map_err(|error| format!("the double of Kaggle did not start: {error}"))?;
    let url = double.url();
    say(&format!("   The double of Kaggle listens on {url}; it takes any token."));
    for (number, (what, part, flags)) in (2..).zip(STEPS) {
        say(&format!("{number}. {what}:"));
        let mut arguments = vec![part, "--root", part, "--endpoint", &url];
        arguments.extend(flags);
        stage.step("kaggle-crawler", &arguments, &[("KAGGLE_API_TOKEN", "demo")])?;
    }
    let folder = stage.folder.display();
    say(&format!(
        "\n\
Done in {} s. Everything is in {folder}:
  competitions/competitions/      texts in Markdown, the first hundred of each leaderboard
  datasets/meta_data/             what each dataset is, with the list of its files
  datasets/dataset/OWNER_SLUG/    the files
  kernels/info/, kernels/code/    notebooks and scripts: what they import, their sources and logs
  models/info/, models/model/     models: cards, variations, files
  discussions/topics/             topics as conversations, in the form that forums have too
  */stages/                       the listings, word for word as Kaggle gave them

Look:   head -1 {folder}/competitions/competitions/page_00001.jsonl
For real: the commands above without --endpoint, with KAGGLE_API_TOKEN (https://www.kaggle.com/settings);
docs/kaggle-crawler.md tells what needs an account, and which terms bind.",
        stage.seconds()
    ));
    Ok(())
}
