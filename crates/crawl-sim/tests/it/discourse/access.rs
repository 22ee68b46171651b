//! Who may read, how often, and what a forum tells of itself.

use std::time::{Duration, Instant};

use crawl_sim::{DiscourseConfig, Limit, TooMany};

use super::{ask, ids, start, status, walk};
use crate::client::{get, get_with};

#[tokio::test]
async fn early_retries_extend_the_lock_and_are_counted() {
    let limits = vec![Limit { requests: 4, seconds: 1.5 }];
    let forum = start(DiscourseConfig { limits, ..DiscourseConfig::default() }).await;
    let url = format!("{}/latest.json", forum.site());
    for _ in 0..4 {
        assert_eq!(get(&url).status, 200);
    }
    let started = Instant::now();
    // Each of these is refused, and each moves the end of the pause further away.
    while started.elapsed() < Duration::from_secs(3) {
        let refused = get(&url);
        assert_eq!(refused.status, 429);
        assert!(matches!(refused.header("retry-after"), Some("1" | "2")));
        assert_eq!(
            refused.header("discourse-rate-limit-error-code").is_none(),
            refused.text().contains("nginx")
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(forum.early() > 5);
    std::thread::sleep(Duration::from_secs(2));
    let early = forum.early();
    assert_eq!(get(&url).status, 200);
    assert_eq!(forum.early(), early);
}

#[tokio::test]
async fn a_refusal_comes_in_three_forms_that_all_tell_how_long() {
    let faults = vec!["all=429:retry-after=7".parse().unwrap()];
    let forum = start(DiscourseConfig { faults: faults.clone(), ..DiscourseConfig::default() }).await;
    let ask = || get(&format!("{}/latest.json", forum.site()));
    let (text, json, html) = (ask(), ask(), ask());
    assert!(text.text().contains("retry again in 7 seconds. Error code: ip_10_secs_limit."));
    assert_eq!(json.json()["extras"]["wait_seconds"], 7);
    assert!(html.text().contains("<center>nginx</center>"));
    for refused in [&text, &json, &html] {
        assert_eq!((refused.status, refused.header("retry-after")), (429, Some("7")));
    }
    assert_eq!(forum.early(), 2);
    let quiet = DiscourseConfig {
        faults,
        retry_after: false,
        too_many: Some(TooMany::Json),
        ..DiscourseConfig::default()
    };
    let quiet = start(quiet).await;
    let refused = get(&format!("{}/latest.json", quiet.site()));
    assert_eq!(refused.header("retry-after"), None);
    assert_eq!(refused.json()["error_type"], "rate_limit");
}

#[tokio::test]
async fn a_closed_forum_answers_only_with_a_right_key() {
    let forum = start(DiscourseConfig {
        login_required: true,
        api_key: Some(("admin-key".into(), "harbourmaster".into())),
        user_api_key: Some("user-key".into()),
        ..DiscourseConfig::default()
    })
    .await;
    let url = format!("{}/latest.json", forum.site());
    let closed = get(&url);
    assert_eq!((closed.status, closed.json()["error_type"].as_str()), (403, Some("not_logged_in")));
    let page = get(&format!("{}/latest", forum.site()));
    assert_eq!((page.status, page.header("location")), (302, Some("/login")));
    assert_eq!(ask(&forum, "/site/basic-info.json")["login_required"], true);
    assert_eq!(status(&forum, "/robots.txt"), 200);
    let admin = ("Api-Key", "admin-key");
    for right in [&[admin, ("Api-Username", "harbourmaster")][..], &[("User-Api-Key", "user-key")]] {
        assert_eq!(get_with(&url, right).status, 200);
    }
    for wrong in [&[admin][..], &[admin, ("Api-Username", "ann")], &[("User-Api-Key", "other")]] {
        let refused = get_with(&url, wrong);
        assert_eq!((refused.status, refused.json()["error_type"].as_str()), (403, Some("invalid_access")));
    }
}

#[tokio::test]
async fn a_forum_in_a_subfolder_has_its_robots_at_the_root() {
    let robots = (200, "User-agent: *\nDisallow: /forum/raw/\n".to_owned());
    let forum = start(DiscourseConfig { base: "/forum".into(), robots, ..DiscourseConfig::default() }).await;
    assert!(forum.site().ends_with("/forum"));
    assert!(get(&format!("{}/robots.txt", forum.url())).text().contains("/forum/raw/"));
    assert_eq!(get(&format!("{}/latest.json", forum.url())).status, 404);
    assert_eq!(get(&format!("{}/forums/latest.json", forum.url())).status, 404);
    let rows = walk(&forum, "/latest.json?order=created&ascending=true");
    assert_eq!(ids(&rows), forum.topics());
    let home = get(&format!("{}/", forum.site())).text();
    assert!(home.contains("<meta name=\"discourse-base-uri\" content=\"/forum\">"));
    let topic = ask(&forum, &format!("/t/{}.json", rows[8]["id"]));
    assert!(topic["post_stream"]["posts"][0]["post_url"].as_str().unwrap().starts_with("/forum/t/"));
}

#[tokio::test]
async fn robots_and_terms_are_what_was_wished() {
    let config =
        DiscourseConfig { robots: (503, "later\n".into()), terms: None, ..DiscourseConfig::default() };
    let forum = start(config).await;
    let robots = get(&format!("{}/robots.txt", forum.site()));
    assert_eq!((robots.status, robots.text().as_str()), (503, "later\n"));
    assert_eq!(status(&forum, "/tos"), 404);
    let usual = start(DiscourseConfig::default()).await;
    assert!(get(&format!("{}/tos", usual.site())).text().contains("CC BY-NC-SA 3.0"));
}

#[tokio::test]
async fn a_shield_answers_everything_with_a_page_for_browsers() {
    let forum = start(DiscourseConfig { challenge: true, ..DiscourseConfig::default() }).await;
    for path in ["/latest.json", "/site/basic-info.json", "/robots.txt"] {
        let got = get(&format!("{}{path}", forum.site()));
        assert_eq!((got.status, got.header("cf-mitigated")), (403, Some("challenge")), "{path}");
        assert!(got.text().contains("<title>Just a moment...</title>"));
    }
}

#[tokio::test]
async fn faults_happen_where_they_are_wished() {
    let faults = [
        "detail@1=status:502",
        "detail@2=redirect",
        "list@1=row-twice",
        "list@2=row-string",
        "list@3=no-next",
    ];
    let faults = faults.map(|rule| rule.parse().unwrap()).to_vec();
    let forum = start(DiscourseConfig { faults, ..DiscourseConfig::default() }).await;
    let topic = forum.topics()[9];
    let path = format!("/t/{topic}.json");
    assert_eq!([status(&forum, &path), status(&forum, &path), status(&forum, &path)], [502, 301, 200]);
    let first = ask(&forum, "/latest.json")["topic_list"]["topics"].clone();
    assert_eq!((first.as_array().unwrap().len(), &first[0]), (31, &first[30]));
    assert!(ask(&forum, "/latest.json")["topic_list"]["topics"][30].is_string());
    assert!(ask(&forum, "/latest.json")["topic_list"].get("more_topics_url").is_none());
}

#[tokio::test]
async fn a_forum_tells_of_itself_and_its_people() {
    let forum = start(DiscourseConfig::default()).await;
    assert_eq!(ask(&forum, "/about.json")["about"]["stats"]["topics_count"], forum.topics().len());
    assert_eq!(ask(&forum, "/site.json")["post_types"]["small_action"], 3);
    assert_eq!(ask(&forum, "/u/HarbourMaster.json")["user"]["admin"], true);
    assert_eq!(status(&forum, "/u/nobody.json"), 404);
    assert_eq!(ask(&forum, "/tags.json")["tags"][0]["name"], "tides");
    let got = get(&format!("{}/srv/status", forum.site()));
    assert_eq!((got.text().as_str(), got.header("discourse-logged-out")), ("ok", Some("1")));
}

#[tokio::test]
async fn only_an_administrator_sees_whispers_and_private_messages() {
    let api_key = Some(("admin-key".to_owned(), "harbourmaster".to_owned()));
    let limits = vec![Limit { requests: 1000, seconds: 60.0 }];
    let key_limit = Some(Limit { requests: 150, seconds: 60.0 });
    let forum = start(DiscourseConfig { api_key, limits, key_limit, ..DiscourseConfig::default() }).await;
    let key = [("Api-Key", "admin-key"), ("Api-Username", "harbourmaster")];
    let keyed = |path: &str| get_with(&format!("{}{path}", forum.site()), &key);
    let mut whispers = 0;
    for topic in forum.topics() {
        let shown = keyed(&format!("/t/{topic}.json")).json();
        let of_staff = super::posts(&shown).iter().filter(|post| post["post_type"] == 4);
        for whisper in of_staff {
            assert_eq!(status(&forum, &format!("/posts/{}.json", whisper["id"])), 404);
            whispers += 1;
        }
    }
    assert!(whispers > 0);
    assert_eq!(status(&forum, "/topics/private-messages/harbourmaster.json"), 404);
    let list = keyed("/topics/private-messages/harbourmaster.json").json();
    let secret = &list["topic_list"]["topics"][0];
    assert_eq!(secret["archetype"], "private_message");
    let path = format!("/t/{}.json", secret["id"]);
    assert_eq!((status(&forum, &path), keyed(&path).status), (404, 200));
    let refused = (0..100).map(|_| keyed(&path)).find(|got| got.status == 429).unwrap();
    assert_eq!(refused.header("discourse-rate-limit-error-code"), Some("admin_api_key_rate_limit"));
    assert_eq!(status(&forum, "/latest.json"), 200, "who has no key is counted apart");
}

#[tokio::test]
async fn unwelcome_agents_and_topics_that_are_gone_are_told_so() {
    let blocked_agents = vec!["semrushbot".to_owned()];
    let forum =
        start(DiscourseConfig { blocked_agents, detailed_404: true, ..DiscourseConfig::default() }).await;
    let url = format!("{}/latest.json", forum.site());
    let refused = get_with(&url, &[("User-Agent", "Mozilla/5.0 (compatible; SemrushBot/7)")]);
    assert_eq!((refused.status, refused.text().as_str()), (403, "Crawler is not allowed!"));
    let topic = forum.topics()[20];
    assert!(forum.delete_topic(topic));
    assert_eq!([status(&forum, &format!("/t/{topic}.json")), status(&forum, "/t/999999.json")], [410, 404]);
}

#[tokio::test]
async fn permission_signals_come_in_the_headers_that_were_wished() {
    let headers = vec![("X-Robots-Tag", "noai".to_owned()), ("Content-Usage", "train-ai=n".to_owned())];
    let upload_headers = vec![("X-Robots-Tag", "noimageai".to_owned())];
    let forum = start(DiscourseConfig { headers, upload_headers, ..DiscourseConfig::default() }).await;
    let ask = |path: &str| get(&format!("{}{path}", forum.site()));
    let page = ask("/latest.json");
    assert_eq!(
        (page.header("x-robots-tag"), page.header("content-usage")),
        (Some("noai"), Some("train-ai=n"))
    );
    let picture = ask("/uploads/default/original/1X/a.png");
    assert_eq!((picture.header("x-robots-tag"), picture.header("content-usage")), (Some("noimageai"), None));
}
