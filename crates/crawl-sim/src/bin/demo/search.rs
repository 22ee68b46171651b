//! Models of the Hub: the listing, the catalogue, the index, then three queries.

use crawl_sim::{Hub, HubConfig};

use crate::stage::{Result, Stage, say};

/// The programs that it runs, by package.
pub(crate) const PROGRAMS: [&str; 2] = ["hf-crawler", "record-search"];

pub(crate) fn show(stage: &Stage, rows: u64) -> Result<()> {
    let hub =
        stage.runtime.block_on(Hub::start(HubConfig { datasets: 0, models: rows, ..HubConfig::default() }));
    let hub = hub.map_err(|error| format!("the Hub's double did not start: {error}"))?;
    let url = hub.url();
    say(&format!("   The double of the Hub listens on {url}."));
    say("2. Every model of the Hub, word for word:");
    stage.step("hf-crawler", &["models", "--root", "models", "--endpoint", &url], &[])?;
    say(
        "3. Files, configs and headers of the 200 with the most downloads, then all that is known in typed columns:",
    );
    let details =
        ["details", "models", "--details", "files,config,headers", "--top", "200", "--endpoint", &url];
    stage.step("hf-crawler", &details, &[])?;
    stage.step("hf-crawler", &["catalogue", "models", "--to", "models.parquet"], &[])?;
    say("4. The index, of words, columns and vectors:");
    stage.step("record-search", &["index", "models.parquet", "--index", "index"], &[])?;
    say("5. Words and meaning, under a filter: a model whose licence is unknown is not shown, and counted.");
    let words = "speech recognition commercial:yes";
    stage.step("record-search", &["query", words, "--index", "index", "--limit", "3"], &[])?;
    say(
        "6. What fits a graphics card with a context of 16,000 tokens, quantisations under what they are of:",
    );
    let fits =
        ["query", "--index", "index", "--fits", "RTX 4090", "--context", "16k", "--fold", "--limit", "3"];
    stage.step("record-search", &fits, &[])?;
    say("7. Why a hit is where it is:");
    stage.step("record-search", &["explain", "chat model", "--index", "index", "--limit", "1"], &[])?;
    let folder = stage.folder.display();
    say(&format!(
        "\n\
Done in {} s. Everything is in {folder}:
  models/hf/models/     the listing, word for word
  models.parquet        the catalogue: a row a model
  index/                what is searched

For real: just models-search, then just search \"speech recognition license:mit\"
docs/record-search.md has the grammar, the filters and how scores are made.",
        stage.seconds()
    ));
    Ok(())
}
