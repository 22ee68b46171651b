//! The pages and the JSON API tell what the index holds.

use record_search::{Cell, Document, Index, Kind, Query, Sort, Value};

use super::{encoded, serve};
use crate::{documents, hashed, index};

#[test]
fn the_api_answers_what_the_index_finds() {
    let (folder, _index) = index(&documents(11, 400));
    let server = serve(folder.path(), hashed(), None);
    let index = Index::open(folder.path(), hashed()).unwrap();
    let mut random = fastrand::Rng::with_seed(12);
    let mut found_some = 0;
    for _ in 0..60 {
        let word = crate::WORDS[random.usize(..crate::WORDS.len())];
        let (licence, other) = (["mit", "apache-2.0"][random.usize(..2)], random.bool());
        let page = random.usize(1..4);
        let mut query = Query {
            text: word.into(),
            limit: 7,
            offset: (page - 1) * 7,
            facets: vec!["license".into()],
            explain: random.bool(),
            ..Query::default()
        };
        let mut path = format!("/api/search?q={word}&limit=7&page={page}&facet=license");
        if random.bool() {
            let both = if other { format!("{licence},other") } else { licence.to_owned() };
            query.filters.push(format!("license:{both}"));
            path += &format!("&license={licence}{}", if other { "&license=other" } else { "" });
        }
        if random.bool() {
            query.filters.push("params:1B..50B".into());
            path += "&params=1B..50B";
        }
        if random.bool() {
            query.filters.insert(0, "-source:ones".into());
            path += "&f=-source:ones";
        }
        if random.bool() {
            query.sort = Some(Sort { column: "downloads".into(), ascending: true });
            path += "&sort=downloads:asc";
        }
        if query.explain {
            path += "&explain=1";
        }
        let got = server.get(&path);
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        let mut got = got.json();
        let next = got.as_object_mut().unwrap().remove("next").unwrap();
        let found = index.search(&query).unwrap();
        let wanted: serde_json::Value =
            serde_json::from_str(&serde_json::to_string(&found).unwrap()).unwrap();
        assert_eq!(got, wanted, "{path}");
        let more = !found.hits.is_empty() && (query.offset + found.hits.len()) < found.total as usize;
        assert_eq!(next.is_string(), more, "{path}: {next}");
        found_some += u32::from(!found.hits.is_empty());
    }
    assert!(found_some > 20, "{found_some}");
}

#[test]
fn pages_of_hits_hold_each_hit_once() {
    let (folder, _index) = index(&documents(13, 90));
    let server = serve(folder.path(), None, None);
    let mut path = Some("/?q=llama*&limit=5".to_owned());
    let mut names = Vec::new();
    while let Some(at) = path {
        let body = server.get(&at).body;
        let hits = body.split("<li class=\"hit\">").skip(1);
        names
            .extend(hits.map(|hit| hit.split("<bdi>").nth(1).unwrap().split('<').next().unwrap().to_owned()));
        let next = body.split("<a rel=\"next\" href=\"").nth(1);
        path = next.map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"));
    }
    let total = server.get("/api/search?q=llama*").json()["total"].as_u64().unwrap();
    assert!(names.len() as u64 == total && total > 10, "{} of {total}", names.len());
    names.sort();
    names.dedup();
    assert_eq!(names.len() as u64, total);
}

#[test]
fn a_facet_in_which_something_is_chosen_still_counts_the_others() {
    let (folder, _index) = index(&documents(14, 300));
    let server = serve(folder.path(), None, None);
    let count = |path: &str, text: &str| -> Option<String> {
        let body = server.get(path).body;
        let box_ = body.split(&format!("name=\"license\" value=\"{text}\"")).nth(1)?;
        Some(box_.split("class=\"count\">").nth(1)?.split('<').next()?.to_owned())
    };
    let total = |path: &str| server.get(path).json()["total"].to_string();
    // What a box promises is what one finds behind it.
    let other = count("/?source=ones&license=mit", "GPL-3.0").unwrap();
    assert_eq!(other, total("/api/search?source=ones&license=GPL-3.0"));
    assert_ne!(other, total("/api/search?license=GPL-3.0"));
    assert_eq!(
        count("/?source=ones&license=mit", "mit").unwrap(),
        total("/api/search?source=ones&license=mit")
    );
    // Two of one facet are either; two facets are both.
    let either = total("/api/search?license=mit&license=other");
    assert!(either.parse::<u64>().unwrap() > total("/api/search?license=mit").parse::<u64>().unwrap());
}

fn model(id: &str, base: Option<(&str, &str)>, weight: Option<f64>) -> Document {
    let mut document = Document {
        source: "hf-models".into(),
        id: id.into(),
        name: id.split('/').next_back().unwrap().into(),
        author: id.split('/').next().unwrap().into(),
        url: Some(format!("https://huggingface.co/{id}")),
        meaning: format!("{id} model"),
        ..Document::default()
    };
    let mut put = |name: &str, kind: Kind, cell: Cell| document.columns.insert(name.into(), (kind, cell));
    put("source", Kind::Facet, Cell::texts(["hf-models"]));
    put("author", Kind::Facet, Cell::texts([id.split('/').next().unwrap()]));
    put("params", Kind::Number, Cell { value: Value::Number(1e9), derived: true });
    put("kv_bytes_per_token", Kind::Number, Cell::number(100_000.0));
    put("downloads", Kind::Number, Cell::number(id.len() as f64 * 1_000.0));
    put("dataset", Kind::Facet, Cell::texts(["squad", "c4"]));
    put("created", Kind::Time, Cell::number(1.7e9 + id.len() as f64 * 86_400.0));
    if let Some(weight) = weight {
        put("weight_bytes", Kind::Number, Cell { value: Value::Number(weight), derived: true });
    }
    let group = match base {
        Some((base, "quantized")) => base.to_lowercase(),
        _ => id.to_lowercase(),
    };
    put("variant_group", Kind::Facet, Cell::texts([group]));
    if let Some((base, relation)) = base {
        put("base", Kind::Facet, Cell::texts([base]));
        put("relation", Kind::Facet, Cell::texts([relation]));
    }
    document
}

fn family() -> Vec<Document> {
    vec![
        model("ann/root", None, Some(8e9)),
        model("ann/tuned", Some(("ann/root", "finetune")), Some(2e9)),
        model("bob/tuned-gguf", Some(("ann/tuned", "quantized")), Some(5e8)),
        model("bob/tuned-awq", Some(("ann/tuned", "quantized")), None),
        model("eve/loop", Some(("eve/loop", "finetune")), None),
        model("eve/a", Some(("eve/b", "merge")), None),
        model("eve/b", Some(("eve/a", "merge")), None),
        model("eve/orphan", Some(("gone/away", "adapter")), None),
    ]
}

#[test]
fn a_model_tells_its_family_variants_memory_and_where_facts_are_from() {
    let (folder, _index) = index(&family());
    let server = serve(folder.path(), hashed(), None);
    let page = server.get(&format!("/model?key={}&fits=3GB", encoded("hf-models:ann/tuned")));
    assert_eq!(page.status, 200);
    let body = page.body;
    for wanted in [
        "made from ",
        "ann/root",
        "bob/tuned-gguf",
        "bob/tuned-awq",
        "quantized",
        "https://huggingface.co/ann/tuned",
        "rel=\"noopener noreferrer nofollow\"",
        // 2e9 + 8192 × 100,000 + 0.5e9 bytes, and the least and the most.
        "3.1 GiB",
        "(2.6 GiB – 3.5 GiB)",
        "too large",
        "16 bits a parameter",
        "an estimate: parameters × 16 / 8",
        "told by the record",
        "nothing tells it",
        "Like this",
    ] {
        assert!(body.contains(wanted), "{wanted} is missing: {body}");
    }
    // A ring of bases has an end.
    for id in ["eve/loop", "eve/a", "eve/orphan"] {
        let page = server.get(&format!("/model?key={}", encoded(id)));
        assert_eq!(page.status, 200, "{id}");
        assert_eq!(page.body.contains("(not in this index)"), id == "eve/orphan", "{id}");
    }
    let json = server.get("/api/model?key=ann/tuned").json();
    assert_eq!(
        (&json["key"], &json["memory"][1]["likely"]),
        (&"hf-models:ann/tuned".into(), &3_319_200_000_u64.into())
    );
    assert_eq!(json["variants_total"], 3);
}

#[test]
fn two_to_five_are_compared() {
    let (folder, _index) = index(&family());
    let server = serve(folder.path(), hashed(), None);
    let body = server.get("/compare?key=ann/root&key=hf-models:ann/tuned").body;
    assert!(
        body.contains("ann/root")
            && body.contains("7.5 GiB")
            && body.contains("1.9 GiB")
            && body.contains('≠'),
        "{body}"
    );
    let six: String = family().iter().take(6).map(|one| format!("key={}&", one.id)).collect();
    assert_eq!(server.get(&format!("/compare?{six}")).status, 400);
    assert_eq!(server.get("/compare?key=ann/root&key=ann/root").status, 400);
    assert_eq!(
        server.get("/api/compare?key=ann/root&key=eve/a").json()["models"].as_array().unwrap().len(),
        2
    );
}

#[test]
fn the_catalogue_counts_every_record_once_and_authors_add_up() {
    let all = documents(15, 500);
    let (folder, _index) = index(&all);
    let server = serve(folder.path(), None, None);
    let json = server.get("/api/catalogue").json();
    assert_eq!(json["documents"], 500);
    for column in json["columns"].as_array().unwrap() {
        let (known, unknown) = (column["known"].as_u64().unwrap(), column["unknown"].as_u64().unwrap());
        assert_eq!(known + unknown, 500, "{column}");
        let real =
            all.iter().filter(|one| one.columns.contains_key(column["column"].as_str().unwrap())).count();
        assert_eq!(known, real as u64, "{column}");
        if column["kind"] != "facet" {
            let bars: u64 =
                column["bars"].as_array().unwrap().iter().map(|bar| bar["count"].as_u64().unwrap()).sum();
            assert_eq!(bars, known, "{column}");
        }
    }
    // What is new is what was created in the seven days before the newest.
    let created = |one: &Document| match one.columns.get("created").map(|(_, cell)| &cell.value) {
        Some(Value::Number(time)) => Some(*time),
        _ => None,
    };
    let newest = all.iter().filter_map(created).fold(0.0, f64::max).floor();
    let new = all.iter().filter_map(created).filter(|time| *time >= newest - 7.0 * 86_400.0).count();
    assert_eq!(json["new"]["count"], new as u64);

    let (folder, _index) = index(&family());
    let server = serve(folder.path(), None, None);
    let authors = server.get("/api/authors").json();
    let first = &authors["authors"][0];
    assert_eq!((&first["author"], &first["records"]), (&"eve".into(), &4.into()));
    let by = server.get("/api/authors?order=downloads").json();
    let sums: Vec<f64> = by["authors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|author| author["downloads"].as_f64().unwrap())
        .collect();
    assert!(
        sums.is_sorted_by(|a, b| a >= b)
            && sums.iter().sum::<f64>() == family().iter().map(|one| one.id.len() as f64 * 1e3).sum::<f64>(),
        "{sums:?}"
    );
    assert!(server.get("/datasets").body.contains("squad"));
}

#[test]
fn a_feed_holds_the_newest_hits_of_a_search_first() {
    let (folder, _index) = index(&family());
    let server = serve(folder.path(), None, None);
    let feed = server.get("/feed?author=eve&author=bob").body;
    let places: Vec<_> = ["bob/tuned-gguf", "bob/tuned-awq", "eve/orphan", "eve/loop"]
        .map(|id| feed.find(&format!("<title>{id}")))
        .into();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted() && !feed.contains("<title>ann/"),
        "{feed}"
    );
    assert!(feed.contains(&format!("http://{}/model?key=hf-models%3Aeve%2Floop", server.addr)));
}

#[cfg(unix)]
#[test]
fn the_program_says_where_it_listens_and_ends_at_once() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let (folder, _index) = index(&documents(16, 10));
    let mut program = Command::new(env!("CARGO_BIN_EXE_record-search"))
        .args(["serve", "--vectors", "none", "--addr", "127.0.0.1:0", "--index"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let addr = line.trim().strip_prefix("http://").unwrap().parse().unwrap();
    let running = super::Running { addr, runtime: None };
    assert_eq!(running.get("/api/search").json()["total"], 10);
    let _idle = std::net::TcpStream::connect(addr).unwrap();
    let began = std::time::Instant::now();
    assert!(Command::new("kill").args(["-INT", &program.id().to_string()]).status().unwrap().success());
    assert_eq!(program.wait().unwrap().code(), Some(130));
    assert!(began.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn a_page_tells_when_not_all_words_counted() {
    let mut documents = documents(23, 80);
    documents.iter_mut().enumerate().for_each(|(at, document)| document.tags = vec![format!("pre{at}")]);
    let (folder, _index) = index(&documents);
    let server = serve(folder.path(), hashed(), None);
    let tells = |query: &str, wanted: &str| server.get(&format!("/?q={query}")).body.contains(wanted);
    assert!(tells("pre*", "stands for more words than are looked at"));
    assert!(tells("llama+qqq+qrs", "under half of the words are known"));
    assert!(!tells("llama", "Meaning:") && !tells("llama", "are looked at"));
    for query in ["license:mti", "llama&license=mti", "llama&license=mti&license=other"] {
        assert!(tells(query, "no document has `mti` as its license; near: mit"), "{query}");
        let why = server.get(&format!("/why?q={query}")).body;
        assert!(why.contains("near: mit"), "{query}");
        let json = server.get(&format!("/api/search?q={query}")).json();
        assert!(json["explain"]["notes"][0].as_str().unwrap().contains("near: mit"), "{json}");
    }
    assert!(!tells("license:mit", "no document has"));
    assert_eq!(server.get("/?license=%3E3").status, 400);
}

#[test]
fn a_choice_that_was_not_counted_has_no_number() {
    let mut documents = documents(21, 120);
    for (at, document) in documents.iter_mut().enumerate() {
        // More texts than are counted; the rare ones come last.
        let text = if at < 60 { format!("often {}", at % 30) } else { format!("rare {at}") };
        document.columns.insert("license".into(), (Kind::Facet, Cell::texts([text])));
    }
    let (folder, _index) = index(&documents);
    let server = serve(folder.path(), None, None);
    let count = |path: &str, column: &str, value: &str| -> Option<String> {
        let body = server.get(path).body;
        let own = body.split(&format!("name=\"{column}\" value=\"{value}\"")).nth(1).unwrap().to_owned();
        let own = own.split("</label>").next().unwrap().to_owned();
        Some(own.split("class=\"count\">").nth(1)?.split('<').next()?.to_owned())
    };
    let rare = format!("/?license={}", encoded("rare 99"));
    assert_eq!(server.get(&rare.replace("/?", "/api/search?")).json()["total"], 1);
    assert_eq!(count(&rare, "license", "rare 99"), None, "it is not among those that were counted");
    assert_eq!(count("/?license=often*", "license", "often*"), None, "what is no text of the facet");
    assert_eq!(count("/?license=often+3", "license", "often 3"), Some("2".into()));
    // Of few texts all are counted, and what is not there is there 0 times.
    assert_eq!(count("/?source=nobody", "source", "nobody"), Some("0".into()));
}

#[test]
fn a_form_that_is_sent_again_asks_the_same() {
    let (folder, _index) = index(&documents(22, 60));
    let server = serve(folder.path(), None, None);
    let body = server.get("/?downloads=%3E%3D100&downloads=..1500&-license=mit&license=other").body;
    let mut sent: Vec<(String, String)> = Vec::new();
    for field in body.split("<input ").skip(1).map(|rest| rest.split('>').next().unwrap()) {
        let of = |name: &str| Some(field.split(&format!("{name}=\"")).nth(1)?.split('"').next()?.to_owned());
        let on = !field.contains("type=\"checkbox\"") || field.contains(" checked");
        if let (Some(name), Some(value), true) = (of("name"), of("value"), on) {
            sent.push((name, value.replace("&gt;", ">")));
        }
    }
    sent.retain(|(_, value)| !value.is_empty());
    sent.sort();
    let wanted = [("-license", "mit"), ("downloads", "..1500"), ("downloads", ">=100"), ("license", "other")];
    assert_eq!(sent, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())), "{body}");
}

#[test]
fn the_last_page_that_can_be_asked_for_leads_to_none_behind_it() {
    let one = |at: usize| {
        let mut document = Document { source: "s".into(), id: format!("m{at}"), ..Document::default() };
        document.columns.insert("dataset".into(), (Kind::Facet, Cell::texts(["squad"])));
        document
    };
    let (folder, _index) = index(&(0..10_050).map(one).collect::<Vec<_>>());
    let server = serve(folder.path(), None, None);
    for path in ["/datasets", "/"] {
        let next = |page: usize| {
            let got = server.get(&format!("{path}?limit=100&page={page}"));
            assert_eq!(got.status, 200, "{path} {page}");
            got.body
                .split("<a rel=\"next\" href=\"")
                .nth(1)
                .map(|rest| rest.split('"').next().unwrap().to_owned())
        };
        assert!(next(99).is_some_and(|to| to.contains("page=100")), "{path}");
        assert_eq!(next(100), None, "{path}");
    }
    assert!(server.get("/api/search?limit=100&page=100").json()["next"].is_null());
}
