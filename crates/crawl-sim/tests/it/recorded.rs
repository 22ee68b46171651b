//! Recorded bodies are served byte for byte.

use crawl_sim::{Hub, HubConfig};

use crate::client::{get, walk};

#[tokio::test]
async fn recorded_pages_come_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, body: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, body).unwrap();
    };
    write("datasets/list/b.json", "[ {\"id\": \"two/b\"} ]\n");
    write("datasets/list/a.json", "[{\"id\":\"one/a\"}]");
    write("datasets/list/_index.jsonl", "{}\n");
    write("datasets/detail/one__a.200.json", "{\"id\":\"one/a\", \"likes\": 1e3}");
    let replay = Some(folder.path().to_owned());
    let hub = Hub::start(HubConfig { replay, models: 3, ..HubConfig::default() }).await.unwrap();
    let pages = walk(&format!("{}/api/datasets?full=true", hub.url()));
    let bodies: Vec<_> = pages.iter().map(|page| page.text()).collect();
    assert_eq!(bodies, ["[{\"id\":\"one/a\"}]", "[ {\"id\": \"two/b\"} ]\n"]);
    assert_eq!(
        get(&format!("{}/api/datasets/one/a", hub.url())).text(),
        "{\"id\":\"one/a\", \"likes\": 1e3}"
    );
    assert_eq!(get(&format!("{}/api/models", hub.url())).rows().len(), 3);
}
