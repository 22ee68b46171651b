//! Dates to ISO 8601 with no more than is known, and languages.

use text_hygiene::date::{Hints, Precision, Source, best, in_url, parse};
use text_hygiene::language;

fn hints() -> Hints {
    Hints { now: Some("2026-11-26T12:00:00Z".parse().unwrap()), day_first: None }
}

fn read(text: &str) -> Option<(String, Precision)> {
    parse(text, Source::Text, &hints()).map(|when| (when.iso, when.precision))
}

#[test]
fn dates_are_read_as_far_as_they_are_known() {
    use Precision::{Day, LocalTime, Moment, Month, Year};
    for (text, iso, precision) in [
        ("2024", "2024", Year),
        ("2024-05", "2024-05", Month),
        ("2024-05-17", "2024-05-17", Day),
        ("20240517", "2024-05-17", Day),
        ("2024-05-17T08:30:00Z", "2024-05-17T08:30:00Z", Moment),
        ("2024-05-17T08:30:00.123+02:00", "2024-05-17T06:30:00.123Z", Moment),
        ("2017-05-17 14:42:53 UTC", "2017-05-17T14:42:53Z", Moment),
        ("2024-05-17 08:30:00 +0200", "2024-05-17T06:30:00Z", Moment),
        ("2024-05-17 08:30:00", "2024-05-17T08:30:00", LocalTime),
        ("Fri, 17 May 2024 08:30:00 GMT", "2024-05-17T08:30:00Z", Moment),
        ("May 17, 2024", "2024-05-17", Day),
        ("Friday, May 17th, 2024", "2024-05-17", Day),
        ("17 May 2024", "2024-05-17", Day),
        ("17. Mai 2024", "2024-05-17", Day),
        ("Freitag, 17. März 2023", "2023-03-17", Day),
        ("1er août 2023", "2023-08-01", Day),
        ("17 de mayo de 2024", "2024-05-17", Day),
        ("May 2024", "2024-05", Month),
        ("Mar 5, 2024 8:30 pm", "2024-03-05T20:30:00", LocalTime),
        ("5 March 2024, 12:05 AM", "2024-03-05T00:05:00", LocalTime),
        ("17.05.2024", "2024-05-17", Day),
        ("17.05.2024 18:45", "2024-05-17T18:45:00", LocalTime),
        ("3.4.2024", "2024-04-03", Day),
        ("25/12/2023", "2023-12-25", Day),
        ("12/25/2023", "2023-12-25", Day),
        ("04/04/2023", "2023-04-04", Day),
        ("2024/5/7", "2024-05-07", Day),
        ("2024年3月5日", "2024-03-05", Day),
        ("2024年3月5日 09:07", "2024-03-05T09:07:00", LocalTime),
        ("2024年3月", "2024-03", Month),
        ("2024년 3월 5일", "2024-03-05", Day),
        ("yesterday", "2026-11-25", Day),
        ("3 days ago", "2026-11-23", Day),
        ("vor 2 Wochen", "2026-11-12", Day),
        ("an hour ago", "2026-11-26", Day),
        ("5 months ago", "2026-06", Month),
        ("2 years ago", "2024", Year),
        ("2026-11-27", "2026-11-27", Day),
    ] {
        assert_eq!(read(text), Some((iso.to_owned(), precision)), "{text}");
    }
}

#[test]
fn what_may_mean_two_days_or_cannot_be_is_refused() {
    for text in [
        "03/04/2024",
        "3-4-2024",
        "2024-13-01",
        "2024-02-30",
        "30.02.2024",
        "1990-12-31",
        "1066",
        "2026-11-28",
        "2031",
        "2024-05-17T25:00:00Z",
        "version 2024",
        "tomorrow",
        "",
        "   ",
        "May",
        "17 Mai",
        "some 17 words May 2024",
        "1.2.3",
        "99999999",
        "ago",
        "10 ago",
        "99999999999999 days ago",
        "2024-05-17 08:30:00 Mars/Olympus",
        "5月",
        "-2024-01-01",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
    let two = |day_first| {
        parse("03/04/2024", Source::Text, &Hints { day_first: Some(day_first), ..hints() }).unwrap().iso
    };
    assert_eq!((two(true).as_str(), two(false).as_str()), ("2024-04-03", "2024-03-04"));
    assert_eq!(parse("3 days ago", Source::Text, &Hints::default()), None, "before what?");
    assert!(parse("2031", Source::Text, &Hints::default()).is_some(), "without now nothing is ahead of it");
}

#[test]
fn addresses_tell_dates() {
    let read = |url| in_url(url, &hints()).map(|when| (when.iso, when.original));
    assert_eq!(read("https://x.org/2024/05/17/title"), Some(("2024-05-17".into(), "2024/05/17".into())));
    assert_eq!(read("https://x.org/blog/2024/5/title"), Some(("2024-05".into(), "2024/5".into())));
    assert_eq!(
        read("https://x.org/p/2024-05-17-title.html"),
        Some(("2024-05-17".into(), "2024-05-17".into()))
    );
    for url in [
        "https://x.org/2024/99/",
        "https://x.org/t/1234/56",
        "https://2024.org/05/17",
        "https://x.org/?d=/2024/05/17/",
    ] {
        assert_eq!(read(url), None, "{url}");
    }
}

#[test]
fn the_best_source_counts_and_the_original_is_kept() {
    let at = |text, source| parse(text, source, &hints()).unwrap();
    let all = [
        at("May 2024", Source::Text),
        at("2024-05-16", Source::Meta),
        at("2024-05-16T01:00:00Z", Source::Meta),
    ];
    let one = best(all).unwrap();
    assert_eq!(
        (one.iso.as_str(), one.source, one.original.as_str()),
        ("2024-05-16T01:00:00Z", Source::Meta, "2024-05-16T01:00:00Z")
    );
    assert_eq!(best([]), None);
}

#[test]
fn no_text_makes_dates_fail() {
    let words = [
        "2024", "-", "05", "/", ".", ":", "é", "年", "月", "日", "may", " ", "ago", "vor ", "T", "Z", "+",
        "99", "pm", "ß",
    ];
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..50_000 {
        let text: String = (0..random.usize(..9)).map(|_| words[random.usize(..words.len())]).collect();
        let _ = (parse(&text, Source::Text, &hints()), in_url(&text, &hints()));
    }
}

#[test]
fn languages_are_guessed_from_enough_letters() {
    for (text, is) in [
        ("The quick brown fox jumps over the lazy dog and runs away from the hunters.", "eng"),
        ("Der schnelle braune Fuchs springt über den faulen Hund und läuft davon.", "deu"),
        ("Это предложение написано по-русски, чтобы проверить определение языка.", "rus"),
        ("这是一个用来测试语言识别功能的中文句子，应该可以正确识别。", "cmn"),
        ("これは言語判定のテストのために書かれた日本語の文章です。", "jpn"),
    ] {
        assert_eq!(language(text).map(|(code, _)| code), Some(is), "{text}");
    }
    for text in ["", "ok", "1234567890 1234567890 1234567890", "+1 :) !!"] {
        assert_eq!(language(text), None, "{text}");
    }
}
