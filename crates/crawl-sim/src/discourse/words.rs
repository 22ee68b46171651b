//! The vocabulary of seeded topics. All of it is invented.

use crate::dice::Dice;

/// Id, name, slug, colour, parent.
pub(super) const CATEGORIES: [(u64, &str, &str, &str, Option<u64>); 5] = [
    (5, "Support", "support", "BF1E2E", None),
    (6, "Show and tell", "show-and-tell", "3AB54A", None),
    (7, "Site feedback", "site-feedback", "808281", None),
    (8, "Charts", "charts", "25AAE2", Some(5)),
    (9, "雑談", "9-category", "F7941D", None),
];

pub(super) const TAGS: [&str; 6] = ["tides", "build", "windows", "how-to", "日本語", "solved-twice"];

const THINGS: [&str; 16] = [
    "the tide importer",
    "a chart with two axes",
    "the harbour map",
    "my login token",
    "the nightly export",
    "a table of moorings",
    "the wind layer",
    "an old database",
    "the search box",
    "a plugin of my own",
    "the printed almanac",
    "the C++ bindings",
    "a Raspberry Pi",
    "the mobile page",
    "two time zones",
    "the buoy feed",
];
const TROUBLES: [&str; 12] = [
    "stops after an hour",
    "shows nothing but zeros",
    "is slower than last year",
    "breaks on Windows",
    "asks for a password again",
    "draws lines over land",
    "does not start & says \"busy\"",
    "eats all memory",
    "mixes up <low> and <high>",
    "loses the last row",
    "works, but why?",
    "refuses my file",
];
const SENTENCES: [&str; 16] = [
    "I tried it on two machines and got the same.",
    "The log says nothing that helps me.",
    "It worked until the update of last week.",
    "Thank you, that was the missing step.",
    "Could you show the whole configuration?",
    "As far as I know this was fixed in 2.4.",
    "Please attach the file that fails.",
    "The manual mentions this, but not where one looks.",
    "I ended up writing a small script for it.",
    "Mine has snake_case_names and 2 * 3 * 4 in it, if that matters.",
    "On my side it takes about forty seconds.",
    "That would explain the gaps between the points.",
    "We had the same in our harbour, with another sensor.",
    "Turn the cache off first, then try again.",
    "It isn’t the network: the cable is fine.",
    "No idea, but the numbers look off by one.",
];
const CJK: [&str; 4] = [
    "潮位の表を読み込むと、最後の行が消えます。",
    "我用同样的文件试过，结果没有问题。",
    "같은 파일로 다시 해 보니 잘 됩니다.",
    "「設定」を開いて、もう一度お試しください。",
];

pub(super) fn title(dice: &mut Dice, index: u64) -> String {
    if index % 40 == 21 {
        return format!("潮位の表が読めません（{index}）");
    }
    let (thing, trouble) = (dice.pick(&THINGS), dice.pick(&TROUBLES));
    let smile = if index % 30 == 17 { " :sweat_smile:" } else { "" };
    format!("Number {index}: {thing} {trouble}{smile}")
}

/// The sentence that a post begins with; a function of its topic and number, so that others can quote it.
pub(super) fn opening(seed: u64, topic: u64, number: u64) -> String {
    let mut dice = Dice::new(seed ^ 0x0be9, topic << 20 ^ number);
    format!("{} This is post {number} of {topic}.", dice.pick(&SENTENCES))
}

pub(super) fn sentence(dice: &mut Dice) -> &'static str {
    dice.pick(&SENTENCES)
}

pub(super) fn cjk(dice: &mut Dice) -> &'static str {
    dice.pick(&CJK)
}
