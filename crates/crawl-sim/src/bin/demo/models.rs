//! Models of the Hub: two days of listings, details of some, a catalogue, what changed, what fits a graphics card.

use std::fmt::Write;

use crawl_sim::{Hub, HubConfig};

use crate::stage::{Result, Stage, say};

/// The programs that it runs, by package.
pub(crate) const PROGRAMS: [&str; 1] = ["hf-crawler"];

const MODELS: u64 = 1_500;
/// What happens before the lists of the second day: a day's listing has two pages of a thousand.
const CHANGES: [&str; 6] =
    ["3=touch:20:25", "3=rename:60:4", "3=vanish:80:5", "3=gate:100:3", "3=count:200:400", "3=appear:30"];

pub(crate) fn show(stage: &Stage) -> Result<()> {
    let changes: std::result::Result<Vec<_>, _> = CHANGES.iter().map(|change| change.parse()).collect();
    let changes = changes.map_err(|error| format!("a change of the double is none: {error}"))?;
    let config = HubConfig { datasets: 0, models: MODELS, changes, ..HubConfig::default() };
    let double = stage.runtime.block_on(Hub::start(config));
    let double = double.map_err(|error| format!("the double of the Hub did not start: {error}"))?;
    let url = double.url();
    say(&format!(
        "   The double of the Hub listens on {url}; a third of its models are as large as real ones."
    ));
    let run = |arguments: &[&str]| {
        let variables = [("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"), ("HF_ENDPOINT", url.as_str())];
        stage.step("hf-crawler", arguments, &variables)
    };
    say("2. Listing every model, on the first day:");
    run(&["models", "--root", "day1"])?;
    say(
        "3. Files, configs and headers of the 200 with the most downloads (configs and GGUF headers count as downloads):",
    );
    run(&["details", "day1", "--details", "files,config,headers", "--top", "200"])?;
    say("4. Folding both into one Parquet file:");
    run(&["catalogue", "day1", "--to", "day1.parquet"])?;
    say("5. The next day the Hub has changed; details only of what has another commit:");
    run(&["models", "--root", "day2"])?;
    run(&["details", "day2", "--details", "files,config,headers", "--top", "200", "--since", "day1"])?;
    run(&["catalogue", "day1", "day2", "--to", "models.parquet"])?;
    say("6. What has changed between the two days:");
    run(&["diff", "day1.parquet", "models.parquet", "--to", "diff.md"])?;
    say("7. What fits 24 GiB with a context of 8192 tokens; what is not known never counts as fitting:");
    run(&[
        "fits",
        "models.parquet",
        "--memory",
        "24GiB",
        "--context",
        "8192",
        "--to",
        "fits.csv",
        "--rows",
        "10",
    ])?;
    let mut end = String::new();
    let folder = stage.folder.display();
    // Writing to a String cannot fail.
    let _ = write!(
        end,
        "\n\
Done in {} s. Everything is in {folder}:
  day1/hf/models/, day2/hf/models/     the listings, word for word, a page a file
  day1/hf/models-details/              files with sizes and hashes, configs, what headers tell
  models.parquet                       a row a model, typed columns, and what each run told of it
  diff.md                              new, gone, renamed, gated, and what else has changed
  fits.csv                             what fits 24 GiB

Look:   cat {folder}/diff.md
        duckdb -c \"SELECT id, parameters, weight_bytes, memory_8k_likely FROM '{folder}/models.parquet' \\
          WHERE gone_at IS NULL AND memory_8k_high <= 24 * 1024^3 ORDER BY downloads DESC LIMIT 20\"
For real: just models, then just models-update; docs/hf-crawler.md tells what counts as a download.",
        stage.seconds()
    );
    say(&end);
    Ok(())
}
