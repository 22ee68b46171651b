//! Connections: how many, how long, and how much of a request is read.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// So many at once; the next one waits to be accepted.
const MOST_CONNECTIONS: usize = 512;
/// So many bytes of request line and headers are read. What is longer than [`super::answer::MOST_URI`] is told so by a
/// page, what is longer than this by a bare status.
const MOST_HEAD: usize = 64 * 1024;
/// So long a request may take to come, and a connection be idle.
const MOST_HEAD_TIME: Duration = Duration::from_secs(15);
/// So long a connection lives, whatever it does.
const MOST_TIME: Duration = Duration::from_secs(600);
/// So much is read, and thrown away, of a request that was refused while it was being sent, so that its sender reads
/// the refusal.
const MOST_REST: usize = 32 << 20;

pub(super) async fn accept(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        // A semaphore that nobody closes gives a permit sooner or later.
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // Too many open files, or a connection that went before it was ours: both pass.
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let router = router.clone();
        tokio::spawn(async move {
            let _ = tokio::time::timeout(MOST_TIME, serve(stream, router)).await;
            drop(place);
        });
    }
}

async fn serve(stream: TcpStream, router: Router) {
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let answer = hyper::service::Service::call(&service, request);
        // A boxed future can be moved, which is what taking the stream back needs.
        Box::pin(answer) as std::pin::Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>
    });
    let mut connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(MOST_HEAD_TIME)
        .max_buf_size(MOST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let ended = std::future::poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let mut stream = connection.into_parts().io.into_inner();
    let _ = stream.shutdown().await;
    if ended.is_err() {
        let _ = tokio::time::timeout(Duration::from_secs(2), drain(&mut stream)).await;
    }
}

async fn drain(stream: &mut TcpStream) {
    let (mut rest, mut buffer) = (MOST_REST, [0; 16 * 1024]);
    while rest > 0 {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => rest = rest.saturating_sub(read),
        }
    }
}
