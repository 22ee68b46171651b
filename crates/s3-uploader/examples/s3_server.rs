//! The tests' S3 server as a process: `cargo run --example s3_server -- ROOT PORT`. Folders of ROOT are buckets.

#![allow(clippy::unwrap_used, reason = "for tests")]

#[path = "../tests/it/server.rs"]
mod server;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let root = arguments.next().expect("a folder");
    let port = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(0);
    let address = server::serve(root.as_ref(), port);
    // For whoever started this process.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), format!("http://{address}\n").as_bytes());
    loop {
        std::thread::park();
    }
}
