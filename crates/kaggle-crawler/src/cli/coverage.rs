//! `coverage`: how much of what there is a listing saw.

use std::path::Path;

use crawl_cli::anyhow::Result;
use crawl_cli::{Outcome, counted, grouped, print};
use crawl_core::{Error, Kind, Stored};
use kaggle_crawler::{Coverage, meta};

/// Tells it for each listing below `root/stages`.
pub(crate) fn run(root: &Path, expected: Option<u64>, json: bool) -> Result<Outcome> {
    let ids = Stored::sources(root)?;
    let ids: Vec<_> = ids.iter().filter(|id| id.as_str().starts_with("stages/")).collect();
    if ids.is_empty() {
        return Err(Error::new(Kind::Config, "no listing of Kaggle's lies here")
            .at(root.display().to_string())
            .advise("give the folder that --root named")
            .into());
    }
    let mut outcome = Outcome::Done;
    let mut all = Vec::new();
    for id in ids {
        let expected = expected.or_else(|| meta::expected(root, id.as_str()));
        let coverage = Coverage::of(root, id.as_str(), expected)?;
        let short = coverage.expected.is_some_and(|expected| coverage.seen < expected);
        if coverage.capped().next().is_some() || short {
            outcome = Outcome::Missing;
        }
        if json {
            let mut line = serde_json::to_value(&coverage)?;
            line["source"] = id.as_str().into();
            all.push(line);
        } else {
            tell(id.as_str(), &coverage);
        }
    }
    if json {
        print(serde_json::Value::Array(all));
    }
    Ok(outcome)
}

fn tell(name: &str, coverage: &Coverage) {
    let state = if coverage.ended { "ended" } else { "not ended yet" };
    print(format!("{name}: {state}"));
    let expected = match coverage.expected {
        Some(expected) => {
            let unseen = expected.saturating_sub(coverage.seen);
            format!("{} expected, {} of them not seen", grouped(expected), grouped(unseen))
        }
        None => "how many there are nobody says (--expected)".into(),
    };
    print(format!("  {} seen; {expected}", grouped(coverage.seen)));
    print(format!(
        "  {}, {} more than once, {} that could not be read",
        match coverage.queries.len() {
            1 => "1 query".to_owned(),
            count => format!("{} queries", grouped(count as u64)),
        },
        counted(coverage.repeated, "row"),
        counted(coverage.missing, "row")
    ));
    for query in coverage.capped() {
        print(format!("  capped: {}", query.capped.as_deref().unwrap_or_default()));
    }
}
