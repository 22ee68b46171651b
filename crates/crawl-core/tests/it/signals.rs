//! Opt-outs of pages: each header and tag, strictest wins.

use crawl_core::robots::Signals;

fn headers(pairs: &[(&str, &str)]) -> Signals {
    Signals::of_headers(pairs.iter().copied(), "gleaner")
}

#[test]
fn directives_mean_what_to_do() {
    for (value, follow, export, images, archive) in [
        ("nofollow", false, true, true, true),
        ("noindex", true, false, true, true),
        ("none", false, false, true, true),
        ("noai", true, false, true, true),
        ("NoImageAI", true, true, false, true),
        ("noarchive", true, true, true, false),
        ("noai, noimageai,nofollow", false, false, false, true),
        ("all, max-snippet:20, unknown", true, true, true, true),
        ("gleaner: noai", true, false, true, true),
        ("otherbot: noai, nofollow", true, true, true, true),
    ] {
        let said = headers(&[("X-Robots-Tag", value)]);
        let does = (said.may_follow(), said.may_export(), said.may_take_images(), said.may_archive());
        assert_eq!(does, (follow, export, images, archive), "{value}");
        assert_eq!(said.because.is_empty(), follow && export && images && archive, "{value}");
    }
}

#[test]
fn several_headers_are_merged_and_the_strictest_wins() {
    let said = headers(&[
        ("content-signal", "search=yes, ai-train=yes"),
        ("Content-Usage", "train-ai=n;x=1, search=y, other=n"),
        ("x-robots-tag", "noarchive"),
        ("x-other", "noai"),
    ]);
    assert_eq!((said.train, said.search, said.input), (Some(false), Some(true), None));
    assert_eq!(said.because, ["train-ai in Content-Usage", "noarchive in X-Robots-Tag"]);
    assert_eq!(headers(&[("content-usage", "train-ai=y")]).train, Some(true));
    assert_eq!(headers(&[("content-usage", "train-ai")]).train, None);
    assert_eq!(headers(&[("content-usage", "train-ai=y, train-ai=n")]).train, Some(false));
}

#[test]
fn reserved_rights_are_kept() {
    assert!(!headers(&[("tdm-reservation", "1")]).may_export());
    assert!(headers(&[("tdm-reservation", "0")]).may_export());
    assert!(!headers(&[("tdm-reservation", "0"), ("tdm-reservation", "1")]).may_export());
    assert!(!Signals::of_html("<meta name='tdm-reservation' content=1>", "gleaner").may_export());
}

#[test]
fn files_that_reserve_rights_go_by_their_locations() {
    let file =
        br#"[{"location": "/open/", "tdm-reservation": 0}, {"location": "/a*.png$", "tdm-reservation": "1"},
        {"location": "/open/not/", "tdm-reservation": 1}, {"location": 7}, 8, {"location": "/x"}]"#;
    for (path, train) in [
        ("/open/x", Some(true)),
        ("/open/not/x", Some(false)),
        ("/a/b.png", Some(false)),
        ("/a/b.png?x", None),
        ("/x", None),
        ("https://x.org/open/not/y", Some(false)),
    ] {
        assert_eq!(Signals::of_tdmrep(file, path).train, train, "{path}");
    }
    for other in [&b"<html>"[..], b"{}", b"[", b""] {
        assert_eq!(Signals::of_tdmrep(other, "/"), Signals::default());
    }
}

#[test]
fn a_date_after_which_a_page_is_gone_is_told_with_its_comma() {
    let said = headers(&[("x-robots-tag", "unavailable_after: Fri, 25 Jun 2027 15:00:00 GMT, noai")]);
    assert_eq!(said.until.as_deref(), Some("Fri, 25 Jun 2027 15:00:00 GMT"));
    assert!(!said.may_export());
    let said = headers(&[("x-robots-tag", "noarchive, unavailable_after: 2027-06-25")]);
    assert_eq!(said.until.as_deref(), Some("2027-06-25"));
}

#[test]
fn meta_tags_are_found_however_they_are_written() {
    for html in [
        r#"<meta name="robots" content="noai">"#,
        r#"<META CONTENT='noai, nofollow' data-x NAME=Robots/>"#,
        "<html><head><meta charset=utf-8><meta\nname=\"gleaner\"\n content = noai ></head>",
        r#"<meta name=robots content="noai"#,
    ] {
        assert_eq!(Signals::of_html(html, "gleaner").train, Some(false), "{html}");
    }
    for html in [
        r#"<meta name="otherbot" content="noai">"#,
        r#"<meta name="description" content="robots noai">"#,
        r#"<metadata name="robots" content="noai">"#,
        "<meta",
        "<meta name=robots>",
        "<p>noai</p>",
    ] {
        assert_eq!(Signals::of_html(html, "gleaner"), Signals::default(), "{html}");
    }
}

#[test]
fn hostile_pages_and_headers_are_read_in_bounded_time() {
    for html in
        ["<meta ".repeat(200_000), format!("<meta {}", "a=é\" ".repeat(200_000)), "<meta =".repeat(100_000)]
    {
        let _ = Signals::of_html(&html, "gleaner");
    }
    let long = "noai,".repeat(100_000);
    assert!(headers(&[("x-robots-tag", &long)]).because.len() == 1);
    let _ = headers(&[("x-robots-tag", "unavailable_after:"), ("x-robots-tag", "unavailable_after: Fri,é")]);
}
