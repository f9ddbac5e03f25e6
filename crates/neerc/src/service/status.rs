//! How a service that runs is asked how it is: by a socket beside its store, which only its user may open. Whoever
//! connects is told its [`Health`] as one JSON object, and the connection is closed. Nothing can be changed by it.

use super::health::Health;
use crate::limits;
use std::io;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

/// Where questions to the service go; each brings where the answer is wanted.
pub type Questions = mpsc::Sender<oneshot::Sender<Health>>;

/// The socket of a service; removed on drop.
pub struct StatusSocket {
    path: PathBuf,
    listener: UnixListener,
}

/// The socket of the service whose store is that file.
pub fn path(store: &Path) -> PathBuf {
    let mut name = store.canonicalize().unwrap_or_else(|_| store.to_owned()).into_os_string();
    name.push(".sock");
    name.into()
}

impl StatusSocket {
    /// Creates the socket. The caller holds the store's lock, so a socket that is still there is stale.
    pub fn listen(store: &Path) -> io::Result<StatusSocket> {
        let path = path(store);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(StatusSocket { path, listener })
    }

    /// Answers questions, one at a time.
    pub async fn serve(self, questions: Questions) {
        while let Ok((stream, _)) = self.listener.accept().await {
            let _ = tokio::time::timeout(limits::STATUS_PATIENCE, tell(stream, &questions)).await; // who does not listen is not told
        }
    }
}

impl Drop for StatusSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path); // the next start removes it too
    }
}

async fn tell(mut stream: UnixStream, questions: &Questions) -> io::Result<()> {
    let health = ask_service(questions).await?;
    stream.write_all(&serde_json::to_vec(&health)?).await?;
    stream.shutdown().await
}

/// Asks a service of this process.
pub async fn ask_service(questions: &Questions) -> io::Result<Health> {
    let ended = || io::Error::new(io::ErrorKind::BrokenPipe, "the service has ended");
    let (sender, receiver) = oneshot::channel();
    questions.send(sender).await.map_err(|_| ended())?;
    receiver.await.map_err(|_| ended())
}

/// Asks the service that listens at `socket`.
pub async fn ask(socket: &Path) -> io::Result<Health> {
    let answer = async {
        let stream = UnixStream::connect(socket).await?;
        let mut answer = Vec::new();
        stream.take(limits::STATUS_BYTES).read_to_end(&mut answer).await?;
        Ok(serde_json::from_slice(&answer)?)
    };
    let silence = |_| io::Error::new(io::ErrorKind::TimedOut, "it does not answer");
    tokio::time::timeout(limits::STATUS_PATIENCE, answer).await.map_err(silence)?
}
