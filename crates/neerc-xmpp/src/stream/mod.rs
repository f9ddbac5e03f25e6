//! Opening of the component stream (XEP-0114): header, handshake, and what a server's stream error means for whoever
//! runs the service. Not the stanzas after it.

pub mod frame;
pub mod outgoing;

use crate::ns;
use crate::xml::{Element, WriteXml, attribute};
use sha1::{Digest, Sha1};

/// Writes the stream header for the component `jid`: the one start tag whose element stays open.
pub fn open(out: &mut Vec<u8>, jid: &str) {
    out.extend_from_slice(b"<?xml version='1.0'?><stream:stream");
    attribute(out, "xmlns", ns::COMPONENT);
    attribute(out, "xmlns:stream", ns::STREAMS);
    attribute(out, "to", jid);
    out.push(b'>');
}

/// Writes the handshake: the hash of the server's stream id (opaque text) and the shared secret.
pub fn handshake(out: &mut Vec<u8>, stream_id: &str, secret: &str) {
    let digest = Sha1::new().chain_update(stream_id.as_bytes()).chain_update(secret.as_bytes()).finalize();
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    out.open("handshake").text(&digits);
}

/// Ends the stream.
pub const CLOSE: &[u8] = b"</stream:stream>";

/// Why the server ended the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamError {
    /// The condition (RFC 6120 section 4.9.3).
    pub condition: String,
    /// The server's own words, possibly empty.
    pub text: String,
}

impl StreamError {
    /// Reads a `stream:error`; `None` if the element is something else.
    pub fn read(element: &Element<'_>) -> Option<StreamError> {
        if !element.is("error", ns::STREAMS) {
            return None;
        }
        let of_stream = |e: &&Element<'_>| &*e.ns == ns::STREAM_ERRORS && e.name != "text";
        let condition = element.elements().find(of_stream).map_or("undefined-condition", |e| e.name).to_owned();
        let text = element.child("text", ns::STREAM_ERRORS).map(|text| text.text()).unwrap_or_default();
        Some(StreamError { condition, text })
    }

    /// What it means and what to change where, for the component `jid`.
    pub fn advice(&self, jid: &str) -> String {
        let said = if self.text.is_empty() { String::new() } else { format!(" ({})", self.text) };
        let condition = &self.condition;
        match condition.as_str() {
            "not-authorized" => format!(
                "the server refuses the secret of {jid}{said}: make component.secret in neerc.toml equal to \
                 component_secret under Component \"{jid}\" in prosody.cfg.lua, to the password of {jid} under \
                 listen/ejabberd_service/hosts in ejabberd.yml (where a {jid} that is not listed is refused the same \
                 way), or to the shared secret of External Components in Openfire"
            ),
            "host-unknown" => format!(
                "the server does not know the component {jid}{said}: add Component \"{jid}\" with its \
                 component_secret to prosody.cfg.lua, {jid} under listen/ejabberd_service/hosts to ejabberd.yml, or \
                 {jid} to the External Components of Openfire; or correct component.jid in neerc.toml, or \
                 component.server if that is the port for clients: Prosody's port for components is 5347"
            ),
            "conflict" => format!(
                "the server already has a {jid}{said}: either another neerc is connected (stop it; only one may \
                 serve), or {jid} is one of the server's own domains (choose another component.jid in neerc.toml and \
                 in the server's configuration)"
            ),
            "invalid-from" => format!(
                "the server refused a stanza for its sender{said}: component.jid in neerc.toml ({jid}) must be \
                 exactly the name in the server's configuration, in lower case"
            ),
            "invalid-namespace" => format!(
                "what answers at component.server in neerc.toml is no port for components{said}: clients connect there. \
                 Prosody and ejabberd take components on 5347 unless told otherwise, Openfire on 5275"
            ),
            "not-well-formed" | "policy-violation" => format!(
                "the server ended the stream with {condition}{said}: it may have been sent a larger stanza than it \
                 allows; lower tasks.max_stanza_bytes in neerc.toml, or raise component_stanza_size_limit in \
                 prosody.cfg.lua"
            ),
            "internal-server-error" => format!(
                "the server ended the stream with {condition}{said}: an Openfire up to 4.7 does so where it has no shared \
                 secret for {jid}: set it under Server > Server Settings > External Components"
            ),
            "system-shutdown" => format!("the server is shutting down{said}"),
            _ => format!("the server ended the stream with {condition}{said}"),
        }
    }
}

/// What it means that the server answers the header of the component `jid` with one of its own that has no id, and closes.
pub fn silent_refusal(jid: &str) -> String {
    format!(
        "the server refuses {jid} without a word, as Openfire does from 4.8 on. One of three: another neerc is connected \
         (stop it; only one may serve); {jid} is not allowed to connect; or there is no shared secret for it. See Server > \
         Server Settings > External Components in its console: the subdomain under \"Allowed to Connect\", its secret equal \
         to component.secret in neerc.toml"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handshake_of_the_specification() {
        let mut out = Vec::new();
        handshake(&mut out, "3BF96D32", "test"); // computed with sha1sum of 3BF96D32test
        assert_eq!(String::from_utf8(out).unwrap(), "<handshake>aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e</handshake>");
    }
}
