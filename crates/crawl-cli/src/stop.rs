//! The wish to stop: one handler a process, for Ctrl-C and SIGTERM alike.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use crawl_core::Stop;

static HANDLER: OnceLock<Handler> = OnceLock::new();

#[derive(Default)]
struct Handler {
    stop: Stop,
    /// Whether the program does something about it. If not, the first signal ends the process.
    heard: AtomicBool,
    /// What is still finished.
    finished: OnceLock<String>,
}

/// Listens from now on, on a thread of its own: a program whose workers are busy must be stoppable too.
pub(crate) fn install() {
    let mut new = false;
    let handler = HANDLER.get_or_init(|| {
        new = true;
        Handler::default()
    });
    if !new {
        return;
    }
    let (ready, listens) = mpsc::channel();
    let listen = move || {
        // Without a runtime signals do what they do by default.
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            runtime.block_on(handle(handler, ready));
        }
    };
    if std::thread::Builder::new().name("signals".into()).spawn(listen).is_ok() {
        // Ends when the sender is dropped, too.
        let _ = listens.recv();
    }
}

/// The wish to stop. Whoever asks for it promises to end soon after it comes.
pub(crate) fn stop() -> Stop {
    install();
    let handler = HANDLER.get_or_init(Handler::default);
    handler.heard.store(true, Ordering::SeqCst);
    handler.stop.clone()
}

/// Ready when the first Ctrl-C or SIGTERM comes; the second ends the process at once. `what` is still finished.
pub async fn stop_after(what: &str) {
    let stop = stop();
    if let Some(handler) = HANDLER.get() {
        handler.finished.get_or_init(|| what.to_owned());
    }
    stop.cancelled().await;
}

async fn handle(handler: &Handler, ready: mpsc::Sender<()>) {
    let Ok(mut signals) = Signals::listen() else { return };
    let _ = ready.send(());
    signals.next().await;
    if handler.heard.load(Ordering::SeqCst) {
        handler.stop.cancel();
        let what = handler.finished.get().map_or("what is in flight", String::as_str);
        crate::say(format!("stopping after {what}; once more to stop now"));
        signals.next().await;
    }
    std::process::exit(130);
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Signals(tokio::signal::windows::ctrl_c()?))
    }

    async fn next(&mut self) {
        let _ = self.0.recv().await;
    }
}
