//! How a service that runs is asked by commands on its machine: by a socket beside its store, which only its user may open.
//! Whoever connects writes one line of JSON, is answered with one JSON object, and the connection is closed. Whoever writes
//! nothing is told its [`Health`].

use super::archivist::{Archivist, CompactAnswer, CompactRequest};
use super::copies::Copies;
use super::health::Health;
use super::reload::ReloadAnswer;
use super::standing::{BackupNote, ServiceStanding};
use crate::follow::wire::FOLLOW;
use crate::limits;
use neerc_core::doors::TokenScope;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

/// Where questions to the service go.
pub type Questions = mpsc::Sender<Question>;

/// What is asked, with where the answer is wanted.
pub enum Question {
    /// How the service is.
    Health(oneshot::Sender<Health>),
    /// How the service stands, in full.
    Standing(oneshot::Sender<ServiceStanding>),
    /// Says that a backup was made.
    BackedUp(BackupNote),
    /// To have the configuration read again.
    Reload(oneshot::Sender<ReloadAnswer>),
    /// For what opens a door of a room.
    Key(KeyRequest, oneshot::Sender<KeyAnswer>),
}

/// What the machine asks for that opens a door of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRequest {
    /// The room.
    pub room: String,
    /// The user whom it is for; the only one with power in the room, if nobody is named.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the token is for: `display`, `read`, `write`; a link to log in with, if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The token that is to be turned off instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke: Option<String>,
}

impl KeyRequest {
    /// What the token is for, if one is asked for.
    pub fn scope(&self) -> Option<TokenScope> {
        self.token.as_deref().and_then(|scope| TokenScope::parse(scope).ok())
    }
}

/// What comes of it: one of the two.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAnswer {
    /// What is to be printed: the address of the link or the wall, or the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl KeyAnswer {
    /// There is none, for this reason.
    pub fn refused(why: impl ToString) -> KeyAnswer {
        KeyAnswer { key: None, refused: Some(why.to_string()) }
    }
}

/// The socket of a service; removed on drop.
pub struct StatusSocket {
    path: PathBuf,
    listener: UnixListener,
    archivist: Option<Archivist>,
    copies: Option<Copies>,
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
        Ok(StatusSocket { path, listener, archivist: None, copies: None })
    }

    /// The same, for a service whose store may be compacted.
    pub fn keeping(mut self, archivist: Archivist) -> StatusSocket {
        self.archivist = Some(archivist);
        self
    }

    /// The same, for a service whose log others follow.
    pub fn feeding(mut self, copies: Copies) -> StatusSocket {
        self.copies = Some(copies);
        self
    }

    /// Answers questions, one at a time.
    pub async fn serve(self, questions: Questions) {
        while let Ok((stream, _)) = self.listener.accept().await {
            let told = self.tell(stream, &questions);
            let _ = tokio::time::timeout(limits::STATUS_PATIENCE, told).await; // who does not listen is not told
        }
    }

    async fn tell(&self, stream: UnixStream, questions: &Questions) -> io::Result<()> {
        let (reader, mut writer) = stream.into_split();
        let mut line = String::new();
        let mut reader = BufReader::new(reader.take(limits::STATUS_REQUEST_BYTES));
        // A program of an earlier version writes nothing, and waits.
        let _ = tokio::time::timeout(limits::STATUS_QUIET, reader.read_line(&mut line)).await;
        let answer = if line.trim().is_empty() || line.trim() == HEALTH {
            serde_json::to_vec(&ask_service(questions).await?)?
        } else if let (FOLLOW, Some(copies)) = (line.trim(), &self.copies) {
            // Whoever feeds a follower says nothing more before it is answered.
            tokio::spawn(copies.clone().serve(reader.into_inner().into_inner(), writer));
            return Ok(());
        } else if line.trim() == STANDING {
            serde_json::to_vec(&ask_loop(questions, Question::Standing).await?)?
        } else if let Ok(Told { backed_up }) = serde_json::from_str(&line) {
            questions.send(Question::BackedUp(backed_up)).await.map_err(|_| ended())?;
            HEALTH.into()
        } else if line.trim() == RELOAD {
            serde_json::to_vec(&ask_loop(questions, Question::Reload).await?)?
        } else if let (Ok(request), Some(archivist)) = (serde_json::from_str::<CompactRequest>(&line), &self.archivist)
        {
            serde_json::to_vec(&archivist.answer(request))?
        } else {
            let answer = match serde_json::from_str(&line) {
                Ok(request) => ask_for_key(questions, request).await?,
                Err(error) => KeyAnswer::refused(format!("the request cannot be read: {error}")),
            };
            serde_json::to_vec(&answer)?
        };
        writer.write_all(&answer).await?;
        writer.shutdown().await?;
        // An end that leaves something unread takes back what was answered.
        let mut rest = reader.into_inner().into_inner();
        let _ = tokio::time::timeout(limits::STATUS_QUIET, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
        Ok(())
    }
}

impl Drop for StatusSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path); // the next start removes it too
    }
}

/// The line that asks how the service is.
const HEALTH: &str = "{}";

/// The line that asks how the service stands.
const STANDING: &str = "{\"ask\":\"status\"}";

/// What a command tells the service.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    /// A backup was made.
    backed_up: BackupNote,
}

/// The line that has the configuration read again.
const RELOAD: &str = "{\"ask\":\"reload\"}";

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the service has ended")
}

/// Asks a service of this process.
pub async fn ask_service(questions: &Questions) -> io::Result<Health> {
    ask_loop(questions, Question::Health).await
}

async fn ask_for_key(questions: &Questions, request: KeyRequest) -> io::Result<KeyAnswer> {
    ask_loop(questions, |back| Question::Key(request, back)).await
}

async fn ask_loop<T>(questions: &Questions, question: impl FnOnce(oneshot::Sender<T>) -> Question) -> io::Result<T> {
    let (sender, receiver) = oneshot::channel();
    questions.send(question(sender)).await.map_err(|_| ended())?;
    receiver.await.map_err(|_| ended())
}

/// What the service that listens at `socket` answers to a line.
async fn answer_to(socket: &Path, line: &str) -> io::Result<Vec<u8>> {
    let answer = async {
        let mut stream = UnixStream::connect(socket).await?;
        // A service of an earlier version reads nothing, and answers.
        let _ = stream.write_all(format!("{line}\n").as_bytes()).await;
        let mut answer = Vec::new();
        stream.take(limits::STATUS_BYTES).read_to_end(&mut answer).await?;
        Ok(answer)
    };
    let silence = |_| io::Error::new(io::ErrorKind::TimedOut, "it does not answer");
    tokio::time::timeout(limits::STATUS_PATIENCE, answer).await.map_err(silence)?
}

/// Asks the service that listens at `socket` how it is.
pub async fn ask(socket: &Path) -> io::Result<Health> {
    Ok(serde_json::from_slice(&answer_to(socket, HEALTH).await?)?)
}

/// Asks the service that listens at `socket` for what opens a door.
pub async fn ask_key(socket: &Path, request: &KeyRequest) -> io::Result<KeyAnswer> {
    let line = serde_json::to_string(request)?;
    ask_until_heard(socket, &line).await
}

/// Has the service that listens at `socket` read its configuration again.
pub async fn ask_reload(socket: &Path) -> io::Result<ReloadAnswer> {
    ask_until_heard(socket, RELOAD).await
}

/// Asks the service that listens at `socket` how it stands.
pub async fn ask_standing(socket: &Path) -> io::Result<ServiceStanding> {
    let is_told = |standing: &ServiceStanding| standing.pid != 0;
    ask_until(socket, STANDING, is_told).await
}

/// Tells the service that listens at `socket` that a backup was made.
pub async fn tell_backup(socket: &Path, backed_up: BackupNote) -> io::Result<()> {
    answer_to(socket, &serde_json::to_string(&Told { backed_up })?).await.map(drop)
}

/// What it answers to that line.
async fn ask_until_heard<T: Default + PartialEq + DeserializeOwned>(socket: &Path, line: &str) -> io::Result<T> {
    ask_until(socket, line, |answer| *answer != T::default()).await
}

async fn ask_until<T: DeserializeOwned>(socket: &Path, line: &str, is_told: impl Fn(&T) -> bool) -> io::Result<T> {
    for _ in 0..limits::STATUS_TRIES {
        // Whoever wrote too late was told the health of the service, and nothing was done.
        let answer: T = serde_json::from_slice(&answer_to(socket, line).await?)?;
        if is_told(&answer) {
            return Ok(answer);
        }
    }
    Err(io::Error::new(io::ErrorKind::Unsupported, "it is of an earlier version, which does not know how"))
}

/// Asks the service that listens at `socket` to move what is old out of its store, or what came of it.
pub async fn ask_compact(socket: &Path, request: &CompactRequest) -> io::Result<CompactAnswer> {
    let line = serde_json::to_string(request)?;
    ask_until_heard(socket, &line).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service that answers everything.
    async fn service(mut asked: mpsc::Receiver<Question>) {
        while let Some(question) = asked.recv().await {
            match question {
                Question::Health(back) => _ = back.send(Health { version: "1".to_owned(), ..Health::default() }),
                Question::Standing(back) => _ = back.send(ServiceStanding { pid: 7, ..ServiceStanding::default() }),
                Question::BackedUp(note) => assert_eq!(note.revision, 5),
                Question::Reload(back) => _ = back.send(ReloadAnswer { taken: true, ..ReloadAnswer::default() }),
                Question::Key(request, back) => {
                    let key = format!("{} {:?} {:?}", request.room, request.name, request.scope());
                    let _ = back.send(KeyAnswer { key: Some(key), refused: None });
                }
            }
        }
    }

    #[tokio::test]
    async fn keys_and_health_are_asked_for_by_the_same_socket_also_as_earlier_versions_did() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("neerc.db");
        let socket = StatusSocket::listen(&store).unwrap();
        let (questions, asked) = mpsc::channel(1);
        tokio::spawn(service(asked));
        tokio::spawn(socket.serve(questions));
        let at = path(&store);
        let request =
            KeyRequest { room: "neerc".into(), name: Some("hall1".into()), token: Some("read".into()), revoke: None };
        let key = ask_key(&at, &request).await.unwrap().key;
        assert_eq!(key.as_deref(), Some("neerc Some(\"hall1\") Some(Read)"));
        let link = KeyRequest { room: "neerc".into(), name: None, token: None, revoke: None };
        assert_eq!(ask_key(&at, &link).await.unwrap().key.as_deref(), Some("neerc None None"));
        assert_eq!(ask(&at).await.unwrap().version, "1");
        assert!(ask_reload(&at).await.unwrap().taken);
        assert_eq!(ask_standing(&at).await.unwrap().pid, 7);
        tell_backup(&at, BackupNote { file: "b.db".into(), revision: 5, ..BackupNote::default() }).await.unwrap();
        // Whoever writes nothing, with and without an end.
        for ends in [true, false] {
            let mut stream = UnixStream::connect(&at).await.unwrap();
            if ends {
                stream.shutdown().await.unwrap();
            }
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.contains("\"version\":\"1\""), "{answer}");
        }
        // Whoever is slow to write is taken for a program that writes nothing, and asks again.
        for request in ["nonsense", &"x".repeat(100_000)] {
            let mut tries = 0..20;
            while !answer_to(&at, request).await.is_ok_and(|answer| answer.starts_with(b"{\"refused\":")) {
                assert!(tries.next().is_some(), "{} bytes are not refused", request.len());
            }
        }
    }
}
