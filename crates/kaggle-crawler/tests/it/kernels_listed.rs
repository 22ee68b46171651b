//! Kernels, all of them: more than one query shows, listings that move, courses, what an earlier root has.

use std::collections::BTreeSet;
use std::process::Command;

use crawl_core::{Context, Cursor, Page, Record, Result, Settings, Source, SourceId, Stored};
use crawl_sim::{KaggleConfig, Part};
use kaggle_crawler::kernels::{Filters, KERNELS, courses};
use kaggle_crawler::{Coverage, Listed, folder};

use crate::kernels::{double, known, program, sorted, text};
use crate::shop::{id, rows, run, values};

#[tokio::test(flavor = "multi_thread")]
async fn slices_show_what_one_query_hides_name_what_stays_capped_and_add_up() {
    let double = double(KaggleConfig { kernels: 2_500, ..KaggleConfig::default() }).await;
    let one = tempfile::tempdir().unwrap();
    let filters = Filters::default();
    run(&Listed::new(known(&double), &KERNELS, filters.arguments()).unwrap(), one.path()).await.unwrap();
    assert_eq!(rows(one.path(), "stages/kernels").len(), 1_000);
    assert_eq!(Coverage::of(one.path(), "stages/kernels", None).unwrap().capped().count(), 1);

    // By language, type and order: every kernel whose language Kaggle knows.
    let root = tempfile::tempdir().unwrap();
    let listed = Listed::new(known(&double), &KERNELS, filters.arguments()).unwrap();
    run(&listed.sliced(filters.slices(true)), root.path()).await.unwrap();
    let found = rows(root.path(), "stages/kernels");
    let names: BTreeSet<_> = found.iter().map(|row| text(&row["ref"])).collect();
    assert_eq!(names.len(), found.len(), "none comes twice");
    for at in (0..2_500).filter(|at| at % 16 != 14) {
        let name = double.reference(Part::Kernels, at);
        assert!(names.contains(&*name), "{at}: {name}");
    }
    let coverage = Coverage::of(root.path(), "stages/kernels", Some(2_500)).unwrap();
    let all: u64 = coverage.queries.iter().map(|query| query.rows).sum();
    assert_eq!(coverage.seen + coverage.repeated + coverage.missing, all);
    assert_eq!(coverage.seen, found.len() as u64);
    let told = Command::new(env!("CARGO_BIN_EXE_kaggle-crawler")).arg("coverage").arg(root.path()).output();
    let told = told.unwrap();
    let lines = String::from_utf8_lossy(&told.stdout).into_owned();
    assert_eq!(told.status.code(), Some(3), "{lines}");
    assert!(lines.contains("capped: by date-created showed 1000 rows"), "{lines}");
    let capped: Vec<_> = coverage.capped().map(|query| query.capped.clone().unwrap()).collect();
    assert!(capped.iter().any(|doubt| doubt.starts_with("by date-created showed 1000 rows")), "{capped:?}");
    assert!(capped.iter().any(|doubt| doubt.starts_with("python by vote-count ")), "{capped:?}");
    // What shows all it has is not asked for again in parts or in other orders.
    assert!(capped.iter().all(|doubt| !doubt.starts_with("r ")), "{capped:?}");
    assert!(coverage.queries.len() < 30, "{:?}", coverage.queries);

    // By user: every kernel once, those without a language too.
    let users: BTreeSet<_> = names.iter().map(|name| name.split_once('/').unwrap().0.to_owned()).collect();
    let root = tempfile::tempdir().unwrap();
    let mut command = program(&double, root.path());
    for user in &users {
        command.args(["--user", user]);
    }
    let out = command.args(["--slices", "--list-only"]).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    assert_eq!(values(&rows(root.path(), "stages/kernels"), "ref"), sorted(&double));
    let coverage = Coverage::of(root.path(), "stages/kernels", None).unwrap();
    assert_eq!((coverage.queries.len(), coverage.repeated, coverage.capped().count()), (users.len(), 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn kernels_of_two_competitions_in_one_language_come_and_no_others() {
    let double = double(KaggleConfig { kernels: 200, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let slugs: Vec<_> = (0..2).map(|at| double.reference(Part::Competitions, at)).collect();
    let out = program(&double, root.path())
        .args(["--competition", &slugs[0], "--competition", &slugs[1], "--language", "r", "--no-files"])
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
    let found = values(&rows(root.path(), "info"), "ref");
    let mut expected: Vec<_> = (0..200)
        .filter(|at| at % 3 == 0 && at % 5 < 2 && matches!(at % 16, 3..=5))
        .map(|at| double.reference(Part::Kernels, at))
        .collect();
    expected.sort();
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
    assert!(!root.path().join("code").exists());
    assert!(rows(root.path(), "info").iter().all(|row| row["log_file"].is_null()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_drifts_and_removed_and_renamed_kernels_give_nothing_twice_and_lose_nothing_silently()
{
    let double = double(KaggleConfig { kernels: 750, drift: 3, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let filters = Filters { sort_by: Some("hotness".into()), ..Filters::default() };
    run(&Listed::new(known(&double), &KERNELS, filters.arguments()).unwrap(), root.path()).await.unwrap();
    let found = values(&rows(root.path(), "stages/kernels"), "ref");
    let once: BTreeSet<_> = found.iter().collect();
    assert_eq!(once.len(), found.len());
    let stored = Stored::open(root.path(), &id("stages/kernels")).unwrap();
    assert!(stored.checkpoint().totals.dropped["seen before"] > 0);

    let root = tempfile::tempdir().unwrap();
    let listing = ["--list-only", "--limit", "40"];
    assert!(program(&double, root.path()).args(listing).output().unwrap().status.success());
    let listed = values(&rows(root.path(), "stages/kernels"), "ref");
    assert!(
        double.remove(Part::Kernels, &listed[5]) && double.rename(Part::Kernels, &listed[9], "ann/new-name")
    );
    let out = program(&double, root.path()).args(["--limit", "40"]).output().unwrap();
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    let stored = Stored::open(root.path(), &id("info")).unwrap();
    let missing: Vec<_> = (1..=2).flat_map(|page| stored.missing(page).unwrap()).collect();
    let names: BTreeSet<_> = missing.iter().filter_map(|missing| missing.id.clone()).collect();
    assert_eq!(names, BTreeSet::from([listed[5].clone(), listed[9].clone()]));
    assert_eq!(rows(root.path(), "info").len(), 38);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_root_has_is_counted_as_unchanged() {
    let double = double(KaggleConfig { kernels: 40, ..KaggleConfig::default() }).await;
    let (before, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert!(program(&double, before.path()).arg("--no-files").output().unwrap().status.success());
    double.publish(Part::Kernels, 3);
    let out = program(&double, root.path()).arg("--since").arg(before.path()).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let totals = Stored::open(root.path(), &id("info")).unwrap().checkpoint().totals.clone();
    assert_eq!((totals.listed, totals.records, totals.dropped["unchanged"]), (43, 3, 40));
    // What is unchanged costs one question.
    let logs = double.seen().iter().filter(|seen| seen.path_and_query.ends_with("SessionOutput")).count();
    assert_eq!(logs, 3);
    // Another version, or another run of the same, is fetched again.
    let changed = tempfile::tempdir().unwrap();
    let mut known = rows(before.path(), "info");
    known[0]["version"] = 99.into();
    known[1]["lastRunTime"] = "2001-01-01T00:00:00Z".into();
    known[2]["lastRunTime"] = serde_json::Value::Null;
    let mut names: Vec<_> = known[..3].iter().map(|row| text(&row["ref"]).to_owned()).collect();
    names.sort();
    let known = known.iter().map(|row| Record::write(row).unwrap()).collect();
    run(&Known(id("info"), known), changed.path()).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let out = program(&double, root.path()).args(["--since"]).arg(changed.path()).output();
    assert!(out.unwrap().status.success());
    let found = values(&rows(root.path(), "info"), "ref");
    assert!(names.iter().all(|name| found.contains(name)) && found.len() == 6, "{names:?} {found:?}");
}

/// Rows as an earlier run has left them.
struct Known(SourceId, Vec<Record>);

impl Source for Known {
    fn id(&self) -> &SourceId {
        &self.0
    }

    fn settings(&self) -> Settings {
        Settings::default()
    }

    fn after(&self, _at: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, _at: &Cursor, _context: &Context) -> Result<Option<Page>> {
        Ok(Some(Page::new(self.1.clone(), None)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_course_is_its_lessons_and_a_name_that_is_not_known_tells_those_that_are() {
    let courses = courses().unwrap();
    let names: BTreeSet<_> = courses.iter().map(|course| &course.name).collect();
    assert_eq!(names.len(), courses.len());
    for course in &courses {
        let cited = course.sources.iter().all(|source| source.starts_with("https://github.com/"));
        assert!(cited && !course.sources.is_empty() && !course.title.is_empty(), "{course:?}");
        let lessons: BTreeSet<_> = course.lessons.iter().collect();
        assert!(!lessons.is_empty() && lessons.len() == course.lessons.len(), "{course:?}");
        assert!(lessons.iter().all(|lesson| folder(lesson).is_some()), "{course:?}");
    }

    let double = double(KaggleConfig { kernels: 8, ..KaggleConfig::default() }).await;
    let pandas = courses.iter().find(|course| course.name == "pandas").unwrap();
    for (at, lesson) in pandas.lessons.iter().enumerate().skip(1) {
        let before = double.reference(Part::Kernels, at as u64);
        assert!(double.rename(Part::Kernels, &before, lesson));
    }
    let root = tempfile::tempdir().unwrap();
    let out = program(&double, root.path()).args(["--course", "pandas"]).output().unwrap();
    // One lesson is not there: told, and the others come.
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    let mut expected = pandas.lessons[1..].to_vec();
    expected.sort();
    assert_eq!(values(&rows(root.path(), "info"), "ref"), expected);
    let missing = Stored::open(root.path(), &id("info")).unwrap().missing(1).unwrap();
    assert_eq!(missing[0].id.as_deref(), Some(&*pandas.lessons[0]));

    let root = tempfile::tempdir().unwrap();
    let out = program(&double, root.path()).args(["--course", "cooking"]).output().unwrap();
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        out.status.code() == Some(78) && told.contains("pandas") && told.contains("geospatial"),
        "{told}"
    );
}
