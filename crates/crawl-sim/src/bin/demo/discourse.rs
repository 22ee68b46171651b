//! A forum: all of its conversations, then training samples of them.

use crawl_sim::{Discourse, DiscourseConfig};

use crate::stage::{Result, Stage, say};

/// The programs that it runs, by package.
pub(crate) const PROGRAMS: [&str; 1] = ["discourse-crawler"];

pub(crate) fn show(stage: &Stage) -> Result<()> {
    let double = stage
        .runtime
        .block_on(Discourse::start(DiscourseConfig { topics: 80, ..DiscourseConfig::default() }));
    let double = double.map_err(|error| format!("the double of Discourse did not start: {error}"))?;
    let url = double.site();
    say(&format!("   The double of a forum listens on {url}."));
    say(
        "2. Every post of every topic, with the pictures (a real forum is asked once a second, this one faster):",
    );
    let crawl = [
        "crawl",
        &url,
        "--root",
        "forum",
        "--rate",
        "1000",
        "--contact",
        "me@example.org",
        "--ocr-lang",
        "none",
    ];
    stage.step("discourse-crawler", &crawl, &[])?;
    say("3. The best answers as chat messages, a tenth of the topics kept for validation:");
    let best = ["export", "forum", "--out", "chat", "--roles", "best", "--validation", "10", "--pseudonyms"];
    stage.step("discourse-crawler", &best, &[])?;
    say("4. The same conversations in the old crawler's text:");
    stage.step(
        "discourse-crawler",
        &["export", "forum", "--out", "seed", "--format", "seed", "--min-posts", "1"],
        &[],
    )?;
    let folder = stage.folder.display();
    say(&format!(
        "\n\
Done in {} s. Everything is in {folder}:
  forum/discourse/HOST/topics/          the list of topics, word for word
  forum/discourse/HOST/conversations/   a conversation a line, all posts in it
  forum/images/                         pictures, each once, under the hash of their bytes
  chat/train.jsonl, validation.jsonl    {{messages: [{{role, content}}], meta}}
  seed/train.jsonl                      {{title, url, conversations}}

Look:   head -1 {folder}/chat/train.jsonl
For real: discourse-crawler crawl https://forum.example.org --root data/forum --contact YOU@example.org
docs/discourse-crawler.md tells what to think of before: terms, robots.txt, whom to ask.",
        stage.seconds()
    ));
    Ok(())
}
