//! Who may ask.

use record_search::Index;
use record_search::serve::{Serve, Server};

use super::serve;
use crate::{documents, hashed, index};

const TOKEN: &str = "a-token-for-the-tests";

fn bind(addr: &str, token: Option<&str>) -> record_search::Result<()> {
    let (folder, _) = index(&documents(1, 5));
    let path = folder.path().to_owned();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime
        .block_on(Server::bind(Serve {
            open: Box::new(move || Index::open(&path, None)),
            addr: addr.parse().unwrap(),
            token: token.map(str::to_owned),
            roots: Vec::new(),
        }))
        .map(|_| ())
}

#[test]
fn an_address_that_others_reach_needs_a_token_that_is_long_enough() {
    for (addr, token) in
        [("0.0.0.0:0", None), ("[::]:0", None), ("0.0.0.0:0", Some("short")), ("127.0.0.1:0", Some(""))]
    {
        let error = bind(addr, token).unwrap_err();
        assert!(
            error.kind() == crawl_core::Kind::Config && error.to_string().contains("token"),
            "{addr}: {error}"
        );
    }
    bind("0.0.0.0:0", Some(TOKEN)).unwrap();
    bind("127.0.0.1:0", None).unwrap();
}

#[test]
fn nothing_is_answered_without_the_token() {
    let (folder, _index) = index(&documents(2, 30));
    let server = serve(folder.path(), hashed(), Some(TOKEN));
    for path in ["/", "/catalogue", "/state", "/api/search", "/model?key=x", "/feed", "/nothing"] {
        for more in ["", "Authorization: Bearer wrong\r\n", "Cookie: record_search=wrong\r\n"] {
            let got = server.ask(path, more);
            assert_eq!(got.status, 401, "{path} {more}");
            assert!(!got.body.contains("own1"), "{path}");
        }
        // The token is no cookie.
        assert_eq!(server.ask(path, &format!("Cookie: record_search={TOKEN}\r\n")).status, 401);
    }
    let right = format!("Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(server.ask("/api/search", &right).status, 200);

    let login = |token: &str| {
        let body = format!("token={token}");
        let head = format!("POST /login HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", server.addr);
        server.send(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
    };
    assert_eq!(login("wrong").status, 401);
    let entered = login(TOKEN);
    let cookie = entered.header("set-cookie").unwrap();
    assert!(entered.status == 303 && cookie.contains("HttpOnly; SameSite=Strict") && !cookie.contains(TOKEN));
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(server.ask("/", &format!("Cookie: other=1; {cookie}\r\n")).status, 200);
}

#[test]
fn a_name_that_only_points_here_is_refused() {
    let (folder, _index) = index(&documents(3, 10));
    let server = serve(folder.path(), hashed(), None);
    let port = server.addr.port();
    for host in ["evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.evil.example"] {
        let got = server.ask("/api/search", &format!("Host: {host}:{port}\r\n"));
        assert!(got.status == 421 && !got.body.contains("own"), "{host}: {}", got.body);
    }
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        assert_eq!(server.ask("/api/search", &format!("Host: {host}:{port}\r\n")).status, 200, "{host}");
    }
    // Without any name, and with one in the address beside it.
    assert_ne!(server.send(b"GET /api/search HTTP/1.0\r\n\r\n").status, 200);
    let both = format!(
        "GET http://evil.example/api/search HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    );
    assert_ne!(server.send(both.as_bytes()).status, 200);
}

#[test]
fn nothing_can_be_written() {
    let (folder, _index) = index(&documents(4, 10));
    let server = serve(folder.path(), hashed(), None);
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let request = format!(
            "{method} /api/search HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            server.addr
        );
        let got = server.send(request.as_bytes());
        assert!(
            got.status == 405 && got.header("access-control-allow-origin").is_none(),
            "{method}: {}",
            got.status
        );
    }
}

#[test]
fn white_space_around_a_token_is_no_part_of_it() {
    let (folder, _index) = index(&documents(5, 10));
    let server = serve(folder.path(), hashed(), Some(&format!(" {TOKEN}\r\n")));
    let right = format!("Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(server.ask("/api/search", &right).status, 200);
    for token in ["", "   ", "\n", &format!("{}\n", " ".repeat(40)), "    short token     "] {
        let error = bind("127.0.0.1:0", Some(token)).unwrap_err();
        assert!(error.kind() == crawl_core::Kind::Config && error.to_string().contains("token"), "{token:?}");
    }
}
