//! A client for the demo only: one session with just enough XMPP to log in, join a room, ask and listen. Plain text over
//! loopback to a server that it trusts; not for anything else.

use crate::limits;
use anyhow::{Context, anyhow, bail};
use neerc_xmpp::stream::frame::{Frame, FrameLimits, Framer};
use neerc_xmpp::xml::{self, Element, TreeLimits};
use std::net::Ipv4Addr;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const NS_CLIENT: &str = "jabber:client";
const NS_STREAMS: &str = "http://etherx.jabber.org/streams";
const NS_SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
const NS_BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";
const NS_MUC: &str = "http://jabber.org/protocol/muc";
const NS_MUC_USER: &str = "http://jabber.org/protocol/muc#user";
const NS_STANZAS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";

/// Who logs in where.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// The server's port on 127.0.0.1.
    pub port: u16,
    /// The domain of the account.
    pub host: &'a str,
    /// The local part of the account.
    pub user: &'a str,
    /// What to call the session.
    pub resource: &'a str,
    /// The password.
    pub password: &'a str,
}

/// One session.
pub struct DemoClient {
    /// What it is called in what the demo prints.
    pub name: String,
    stream: TcpStream,
    framer: Framer,
    requests: u32,
}

/// What came, and when.
pub struct Heard<T> {
    /// When the last of it was read.
    pub at: Instant,
    /// It.
    pub what: T,
}

impl DemoClient {
    /// Connects, authenticates, binds and says that it is there. `name` is what the demo calls it.
    pub async fn login(name: &str, login: Login<'_>) -> anyhow::Result<DemoClient> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, login.port)).await.context("no connection")?;
        stream.set_nodelay(true)?;
        let framer = Framer::new(FrameLimits::default());
        let mut client = DemoClient { name: name.to_owned(), stream, framer, requests: 0 };
        let features = |element: &Element<'_>| element.is("features", NS_STREAMS).then_some(());
        client.open_stream(login.host).await?;
        client.wait_for("the server's features", features).await?;
        let credentials = base64(format!("\0{}\0{}", login.user, login.password).as_bytes());
        client.send(&format!("<auth xmlns='{NS_SASL}' mechanism='PLAIN'>{credentials}</auth>")).await?;
        let verdict = |element: &Element<'_>| (element.ns == NS_SASL).then(|| element.name == "success");
        if !client.wait_for("being let in", verdict).await?.what {
            bail!("the server does not let {name} in");
        }
        client.open_stream(login.host).await?;
        client.wait_for("the server's features", features).await?;
        let bind = format!("<bind xmlns='{NS_BIND}'><resource>{}</resource></bind>", login.resource);
        client.ask("set", login.host, &bind, |_| ()).await?.what.map_err(|refusal| anyhow!("no session: {refusal}"))?;
        client.send("<presence/>").await?;
        Ok(client)
    }

    async fn open_stream(&mut self, host: &str) -> anyhow::Result<()> {
        self.framer = Framer::new(FrameLimits::default());
        let header = format!(
            "<?xml version='1.0'?><stream:stream to='{host}' version='1.0' xmlns='{NS_CLIENT}' \
             xmlns:stream='{NS_STREAMS}'>"
        );
        self.send(&header).await
    }

    /// Joins a room and waits until it is inside.
    pub async fn join(&mut self, room: &str, nick: &str) -> anyhow::Result<()> {
        self.send(&format!("<presence to='{room}/{nick}'><x xmlns='{NS_MUC}'/></presence>")).await?;
        let inside = |element: &Element<'_>| {
            if element.name != "presence" || !element.attr("from").is_some_and(|from| from.starts_with(room)) {
                return None;
            }
            if element.attr("type") == Some("error") {
                return Some(Err(refusal(element)));
            }
            let mut codes = element.child("x", NS_MUC_USER)?.elements().filter(|child| child.name == "status");
            codes.any(|status| status.attr("code") == Some("110")).then_some(Ok(()))
        };
        let joined = self.wait_for("being in the room", inside).await?.what;
        joined.map_err(|why| anyhow!("{} is not let into {room}: {why}", self.name))
    }

    /// Sends a request and waits for its answer, of which `read` takes what is wanted; else the reason of the refusal.
    pub async fn ask<T>(
        &mut self,
        type_: &str,
        to: &str,
        payload: &str,
        read: impl Fn(&Element<'_>) -> T,
    ) -> anyhow::Result<Heard<Result<T, String>>> {
        self.requests += 1;
        let id = format!("demo{}", self.requests);
        self.send(&format!("<iq type='{type_}' to='{to}' id='{id}'>{payload}</iq>")).await?;
        let answer = |element: &Element<'_>| {
            if !element.is("iq", NS_CLIENT) || element.attr("id") != Some(&id) {
                return None;
            }
            match element.attr("type") {
                Some("result") => Some(Ok(read(element))),
                Some("error") => Some(Err(refusal(element))),
                _ => None,
            }
        };
        self.wait_for("an answer", answer).await
    }

    /// Waits, but not for ever, for a stanza in which `read` finds something; the ones before it are dropped.
    pub async fn wait_for<T>(
        &mut self,
        what: &str,
        read: impl FnMut(&Element<'_>) -> Option<T>,
    ) -> anyhow::Result<Heard<T>> {
        match tokio::time::timeout(limits::DEMO_ANSWER, self.listen(read)).await {
            Ok(heard) => heard,
            Err(_) => bail!("{} has waited for {what} in vain for {} s", self.name, limits::DEMO_ANSWER.as_secs()),
        }
    }

    /// As [`DemoClient::wait_for`], for ever.
    pub async fn listen<T>(&mut self, mut read: impl FnMut(&Element<'_>) -> Option<T>) -> anyhow::Result<Heard<T>> {
        let mut chunk = [0; 4 * 1024];
        loop {
            match self.framer.next_frame().context("the server's words cannot be read")? {
                Some(Frame::Stanza(bytes)) => {
                    let element = xml::parse(bytes, NS_CLIENT, &TreeLimits::default())?;
                    if let Some(what) = read(&element) {
                        return Ok(Heard { at: Instant::now(), what });
                    }
                    continue;
                }
                Some(Frame::Close) => bail!("the server has ended the session of {}", self.name),
                Some(Frame::Open(_) | Frame::Skipped { .. }) => continue,
                None => {}
            }
            let count = self.stream.read(&mut chunk).await.context("the server's words cannot be read")?;
            if count == 0 {
                bail!("the server has ended the session of {}", self.name);
            }
            self.framer.push(&chunk[..count]); // read() says how much of the chunk it has filled
        }
    }

    async fn send(&mut self, text: &str) -> anyhow::Result<()> {
        self.stream.write_all(text.as_bytes()).await.with_context(|| format!("{} cannot send", self.name))
    }

    /// Ends the session.
    pub async fn leave(mut self) -> anyhow::Result<()> {
        self.send("<presence type='unavailable'/></stream:stream>").await?;
        let everything = tokio::time::timeout(limits::DEMO_ANSWER, self.listen(|_| None::<()>));
        let _ = everything.await; // it ends by the server's end of the stream, which `listen` calls a failure
        Ok(())
    }
}

/// The condition of an error, and the words that come with it.
fn refusal(stanza: &Element<'_>) -> String {
    let error = stanza.elements().find(|child| child.name == "error");
    let of_stanzas = |child: &&Element<'_>| child.ns == NS_STANZAS && child.name != "text";
    let condition = error.and_then(|error| error.elements().find(of_stanzas)).map_or("error", |child| child.name);
    match error.and_then(|error| error.child("text", NS_STANZAS)).map(|text| text.text()) {
        Some(text) if !text.is_empty() => format!("{condition}: {text}"),
        _ => condition.to_owned(),
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |place| u32::from(chunk.get(place).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize]; // six bits are below 64
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads() {
        assert_eq!(["", "M", "Ma", "Man"].map(|text| base64(text.as_bytes())), ["", "TQ==", "TWE=", "TWFu"]);
    }

    #[test]
    fn a_refusal_is_its_condition_and_its_words() {
        let shown = |error: &str| {
            let stanza = format!("<iq type='error'><error type='auth'>{error}</error></iq>");
            refusal(&xml::parse(stanza.as_bytes(), NS_CLIENT, &TreeLimits::default()).unwrap())
        };
        let forbidden = format!("<forbidden xmlns='{NS_STANZAS}'/>");
        assert_eq!(shown(&forbidden), "forbidden");
        assert_eq!(
            shown(&format!("{forbidden}<text xmlns='{NS_STANZAS}'>admins only</text>")),
            "forbidden: admins only"
        );
        assert_eq!(shown(""), "error");
    }
}
