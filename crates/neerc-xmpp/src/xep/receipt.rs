//! Receipts (XEP-0184): whoever asks for one with a message to the service is told that it has arrived. Not what the
//! message says.

use crate::ns;
use crate::stanza::{Shell, attribute};
use crate::xml::Element;

/// Writes the receipt that a message asks for, if it asks for one: never for an error, a room's message, or one that
/// has no id to be named by.
pub fn write(out: &mut Vec<u8>, shell: &Shell<'_>, message: &Element<'_>) {
    let (Some(id), Some(_)) = (shell.id, message.child("request", ns::RECEIPTS)) else { return };
    if matches!(shell.type_, "error" | "groupchat") {
        return;
    }
    let back = shell.return_address();
    out.extend_from_slice(b"<message");
    if shell.type_ == "chat" {
        attribute(out, "type", shell.type_);
    }
    attribute(out, "from", &back.from);
    attribute(out, "to", back.to.as_it_came());
    out.extend_from_slice(b"><received");
    attribute(out, "xmlns", ns::RECEIPTS);
    attribute(out, "id", id);
    out.extend_from_slice(b"/></message>");
}
