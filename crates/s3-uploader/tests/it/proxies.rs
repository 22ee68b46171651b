//! Proxies, as the environment names them.

use crate::desk::{Desk, bytes};
use crate::front::{Fate, Front, told};

const COPY: [&str; 5] = ["copy", "files", "s3://bucket/p", "--tries", "1"];

#[tokio::test(flavor = "multi_thread")]
async fn files_go_by_way_of_the_proxy_and_past_it_where_no_proxy_says_so() {
    let desk = Desk::new();
    desk.write("a", b"a");
    desk.write("large", &bytes(9 << 20, 1));
    let proxy = Front::start(&desk.url, |_| Fate::Pass).await;
    // A name that nobody but the proxy can reach.
    let far = "http://s3.invalid";
    for (variable, address) in [
        ("http_proxy", proxy.url.clone()),
        ("HTTP_PROXY", proxy.url.trim_start_matches("http://").to_owned()),
        ("ALL_PROXY", proxy.url.replace("//", "//name:p%40ss@")),
    ] {
        proxy.forget();
        let env = [(variable, address.as_str())];
        let (code, text) = told(far, desk.dir.path(), &env, &COPY).await;
        assert_eq!(code, Some(0), "{variable}: {text}");
        assert!(proxy.count("http://s3.invalid/bucket/") > 3, "{variable}");
        assert_eq!(desk.stored().len(), 2);
    }
    let env = [("http_proxy", proxy.url.as_str()), ("no_proxy", "127.0.0.0/8,.elsewhere.org")];
    proxy.forget();
    assert_eq!(told(&desk.url, desk.dir.path(), &env, &COPY).await.0, Some(0));
    assert_eq!(proxy.count(" "), 0);
    // One for the other scheme is none for this one.
    let env = [("https_proxy", proxy.url.as_str())];
    assert_eq!(told(&desk.url, desk.dir.path(), &env, &COPY).await.0, Some(0));
    assert_eq!(proxy.count(" "), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn https_goes_through_a_tunnel_and_a_proxy_that_wants_a_password_is_named_without_ours() {
    let desk = Desk::new();
    desk.write("a", b"a");
    let proxy = Front::start(&desk.url, |asked| {
        assert_eq!(asked.headers["proxy-authorization"], "Basic bmFtZTpzZWNyZXQ=");
        Fate::Refuse(407, "")
    })
    .await;
    let address = proxy.url.replace("//", "//name:secret@");
    let env = [("https_proxy", address.as_str())];
    for virtual_host in [&[][..], &["--virtual-host"]] {
        proxy.forget();
        let arguments = [&COPY[..], virtual_host].concat();
        let (code, text) = told("https://s3.invalid", desk.dir.path(), &env, &arguments).await;
        assert_eq!(code, Some(78), "{text}");
        let host =
            if virtual_host.is_empty() { "CONNECT s3.invalid:443" } else { "CONNECT bucket.s3.invalid:443" };
        assert!(proxy.count(host) > 0);
        assert!(text.contains("wants a name and a password") && text.contains("https_proxy"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_cannot_be_used_is_exit_code_78_and_named() {
    let desk = Desk::new();
    desk.write("a", b"a");
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (variable, address) in [
        ("http_proxy", format!("http://name:secret@{dead}")),
        ("ALL_PROXY", "socks5://name:secret@127.0.0.1:1080".to_owned()),
        ("HTTPS_PROXY", "http://name:secret@ho st:1".to_owned()),
        ("HTTP_PROXY", "ftp://127.0.0.1".to_owned()),
    ] {
        let env = [(variable, address.as_str())];
        for arguments in [&COPY[..], &["ls", "s3://bucket/"], &["get", "s3://bucket/p/", "back"]] {
            let (code, text) = told(&desk.url, desk.dir.path(), &env, arguments).await;
            assert_eq!(code, Some(78), "{address} {arguments:?}: {text}");
            assert!(text.contains(variable) && !text.contains("secret"), "{text}");
        }
    }
    assert!(desk.stored().is_empty());
}
