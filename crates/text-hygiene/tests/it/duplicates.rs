//! Near and exact duplicates: bands by their formula, clusters, quotes, memory.

use std::collections::BTreeMap;
use std::convert::Infallible;

use fastrand::Rng;
use text_hygiene::{Clusters, Deduper, Like, Settings, jaccard};

fn words(random: &mut Rng, count: usize) -> Vec<String> {
    (0..count).map(|_| format!("w{}", random.u32(..1_000_000))).collect()
}

fn clusters(texts: &[&str]) -> Clusters {
    let mut deduper = Deduper::new(Settings::default());
    for (id, text) in texts.iter().enumerate() {
        deduper.add(id as u64, text);
    }
    deduper.finish(|id| Ok::<_, Infallible>(Some(texts[id as usize].to_owned()))).unwrap()
}

fn ids(clusters: &Clusters) -> Vec<u64> {
    clusters.members.iter().map(|member| member.cluster).collect()
}

const PAIRS: u64 = 2000;

/// Two texts of a similarity: words at the end are replaced, so that so many of 400 runs are shared.
fn pair(random: &mut Rng, similarity: f64) -> (String, String) {
    let runs = 400.0;
    let shared = (runs * 2.0 * similarity / (1.0 + similarity)).round() as usize;
    let a = words(random, 404);
    let mut b = a.clone();
    b.truncate(shared + 4);
    b.extend(words(random, 400 - shared));
    (a.join(" "), b.join(" "))
}

#[test]
fn pairs_meet_as_often_as_the_formula_of_bands_says() {
    let mut random = Rng::with_seed(2026);
    for similarity in [0.6, 0.7, 0.8, 0.9] {
        let mut deduper = Deduper::new(Settings::default());
        for id in 0..PAIRS {
            let (a, b) = pair(&mut random, similarity);
            if id % 100 == 0 {
                assert!((jaccard(&a, &b) - similarity).abs() < 0.005);
            }
            deduper.add(2 * id, &a);
            deduper.add(2 * id + 1, &b);
        }
        let met =
            (0..PAIRS as usize).filter(|id| deduper.meet(2 * id, 2 * id + 1)).count() as f64 / PAIRS as f64;
        let formula = 1.0 - (1.0 - f64::powi(similarity, 8)).powi(14);
        eprintln!("similarity {similarity}: {met:.3} met, the formula says {formula:.3}");
        assert!((met - formula).abs() < 0.03, "{similarity}: {met} {formula}");
        let strangers = (0..PAIRS as usize - 1).filter(|id| deduper.meet(2 * id, 2 * id + 2)).count();
        assert_eq!(strangers, 0);
    }
}

#[test]
fn what_met_is_verified_by_true_similarity() {
    let mut random = Rng::with_seed(3);
    let (a, b) = pair(&mut random, 0.9);
    let (c, d) = pair(&mut random, 0.7);
    let found = clusters(&[&a, &c, &b, &d]);
    assert_eq!(ids(&found), [0, 1, 0, 3], "0.7 is below the threshold: {found:?}");
    assert_eq!(found.members[2].like, Like::Near);
    assert_eq!(found.members[1].like, Like::None);
    let mut deduper = Deduper::new(Settings::default());
    deduper.add(7, &a);
    deduper.add(9, &b);
    let unread = deduper.finish(|_| Ok::<_, Infallible>(None)).unwrap();
    assert_eq!(
        (ids(&unread), unread.unread > 0),
        (vec![7, 9], true),
        "what cannot be read again is not joined"
    );
    let mut deduper = Deduper::new(Settings::default());
    deduper.add(7, &a);
    deduper.add(9, &b);
    assert_eq!(deduper.finish(|_| Err("disk")), Err("disk"));
}

#[test]
fn equal_texts_are_found_however_short_and_however_they_are_set() {
    let found = clusters(&[
        "Thanks, that worked!",
        "thanks that   WORKED",
        "Thanks, that failed!",
        "",
        "!!!",
        "Ça va",
        "Ça va",
    ]);
    assert_eq!(ids(&found), [0, 0, 2, 3, 4, 5, 5]);
    assert_eq!(found.members[0].like, Like::Exact);
    assert_eq!(clusters(&["error 404", "error 405"]).members[1].like, Like::None, "digits count");
}

#[test]
fn quotes_do_not_make_answers_alike() {
    let mut random = Rng::with_seed(4);
    let quoted = words(&mut random, 200).join(" ");
    let forms: [fn(&str) -> String; 4] = [
        |text| format!("[quote=\"bob, post:1, topic:2\"]\n{text}\n[/quote]\n"),
        |text| format!("> {text}\n\n"),
        |text| format!("[quote]\n[quote=\"a\"]x[/quote]\n{text}[/quote]\n"),
        |text| format!("Quote:\"\n{text}\n\"\n"),
    ];
    for form in forms {
        let answers: Vec<String> =
            (0..2).map(|_| form(&quoted) + &words(&mut random, 40).join(" ")).collect();
        assert_eq!(jaccard(&answers[0], &answers[1]), 0.0, "{}", answers[0]);
        let again =
            format!("{}{}", form("something else altogether"), words(&mut Rng::with_seed(9), 40).join(" "));
        let same = format!("{}{}", form("another one"), words(&mut Rng::with_seed(9), 40).join(" "));
        assert_eq!(jaccard(&again, &same), 1.0);
    }
    let only_quotes = clusters(&["> one and two and three", "> four and five and six"]);
    assert_eq!(ids(&only_quotes), [0, 1], "posts that only quote are not all the same");
    assert_eq!(
        jaccard("x [1] y [quote] a b c d e", "x [1] y"),
        1.0,
        "a quote that is not closed goes to the end"
    );
}

#[test]
fn scripts_without_spaces_are_compared_by_characters() {
    let mut random = Rng::with_seed(6);
    let han = |random: &mut Rng, count: usize| -> String {
        (0..count).map(|_| char::from_u32(0x4E00 + random.u32(..4000)).unwrap()).collect()
    };
    let a = han(&mut random, 300);
    let b = format!("{}{}", a.chars().take(290).collect::<String>(), han(&mut random, 10));
    let c = han(&mut random, 300);
    assert_eq!(ids(&clusters(&[&a, &b, &c])), [0, 0, 2]);
}

#[test]
fn the_same_texts_give_the_same_clusters() {
    let mut random = Rng::with_seed(8);
    let mut texts: Vec<String> = Vec::new();
    for _ in 0..100 {
        let base = words(&mut random, 80);
        texts.push(base.join(" "));
        for _ in 0..random.usize(..5) {
            let mut copy = base.clone();
            let at = random.usize(..copy.len());
            copy[at] = "changed".to_owned();
            texts.push(copy.join(" "));
        }
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let once = clusters(&texts);
    assert_eq!(once, clusters(&texts));
    let mut sizes: BTreeMap<u64, usize> = BTreeMap::new();
    once.members.iter().for_each(|member| *sizes.entry(member.cluster).or_default() += 1);
    assert!(sizes.len() <= 110, "{}", sizes.len());
    assert!(once.members.iter().all(|member| member.cluster <= member.id), "a cluster is named by its first");
    // The hash of a text is the same on every machine.
    assert!((jaccard("a b c d e f g", "a b c d e f h") - 0.5).abs() < 1e-9);
}

#[test]
fn a_crowd_of_one_text_is_read_once() {
    let text = words(&mut Rng::with_seed(1), 50).join(" ");
    let mut deduper = Deduper::new(Settings::default());
    (0..5000).for_each(|id| deduper.add(id, &text));
    let mut reads = 0;
    let found = deduper
        .finish(|_| {
            reads += 1;
            Ok::<_, Infallible>(Some(text.clone()))
        })
        .unwrap();
    assert!(found.members.iter().all(|member| member.cluster == 0 && member.like == Like::Exact));
    assert_eq!((reads, found.compared), (0, 0), "equal texts need no reading");
}

/// `GLEANER_MANY=1000000 cargo test --release -p text-hygiene --test it -- million --nocapture`: a child of its own, so
/// that its memory is its own.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test may be told how much to do")]
fn a_million_posts_need_less_than_300_mib() {
    let Ok(many) = std::env::var("GLEANER_MANY") else {
        eprintln!("GLEANER_MANY is not set: no million of posts is made");
        return;
    };
    let many: u64 = many.parse().unwrap();
    if std::env::var("GLEANER_CHILD").is_err() {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["a_million_posts", "--nocapture"])
            .env("GLEANER_CHILD", "1")
            .status()
            .unwrap();
        assert!(child.success());
        return;
    }
    // Every tenth post is a near copy of the one before.
    let make = |id: u64| -> String {
        let mut random = Rng::with_seed(if id % 10 == 9 { id - 1 } else { id });
        let mut post = words(&mut random, 100);
        if id % 10 == 9 {
            post[50] = "changed".to_owned();
        }
        post.join(" ")
    };
    let begun = std::time::Instant::now();
    let mut deduper = Deduper::new(Settings::default());
    (0..many).for_each(|id| deduper.add(id, &make(id)));
    let added = begun.elapsed();
    let found = deduper.finish(|id| Ok::<_, Infallible>(Some(make(id)))).unwrap();
    let copies = found.members.iter().filter(|member| member.cluster != member.id).count() as u64;
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap().to_owned();
    eprintln!(
        "{many} posts added in {added:?}, joined in {:?}, {copies} copies, {peak}",
        begun.elapsed() - added
    );
    assert!(copies * 100 >= many * 9, "{copies}");
    let kib: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kib < 300 * 1024, "{peak}");
}
