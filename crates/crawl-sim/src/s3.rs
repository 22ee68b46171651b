//! A real S3 server on loopback, no double: `s3s-fs`, which keeps objects as files and checks what it is sent.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::thread::JoinHandle;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// A running S3 server. Dropping it closes its port and all connections; the objects stay.
pub struct S3 {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl S3 {
    /// The one access key id that it knows.
    pub const KEY: &str = "AKIDFORTESTS";
    /// The secret key that belongs to it.
    pub const SECRET: &str = "a-secret-that-must-not-be-seen-anywhere";

    /// Serves the folders below `root` as buckets, on a free port if `port` is 0.
    ///
    /// # Errors
    /// If `root` is no folder or the port is taken.
    pub fn start(root: &Path, port: u16) -> io::Result<Self> {
        let files = s3s_fs::FileSystem::new(root).map_err(|error| io::Error::other(format!("{error:?}")))?;
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(Self::KEY, Self::SECRET));
        let service = builder.build();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let serving = async move {
            tokio::select! {
                () = accept(listener, service) => {}
                // Both a message and a dropped sender mean: stop.
                _ = stopped => {}
            }
        };
        let thread =
            std::thread::Builder::new().name("s3".into()).spawn(move || runtime.block_on(serving))?;
        Ok(S3 { address, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the server thread was reported there.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: std::net::TcpListener, service: S3Service) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: wait until a connection ends.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let service = service.clone();
        connections.spawn(async move {
            // A connection that breaks is the client's to notice.
            let connection = Builder::new(TokioExecutor::new());
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
