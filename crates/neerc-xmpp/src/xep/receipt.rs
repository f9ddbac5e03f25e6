//! Receipts (XEP-0184): whoever asks for one with a message to the service is told that it has arrived. Not what the
//! message says.

use crate::ns;
use crate::stanza::Shell;
use crate::xml::{Element, WriteXml};

/// Writes the receipt that a message asks for, if it asks for one: never for an error, a room's message, or one that
/// has no id to be named by.
pub fn write(out: &mut Vec<u8>, shell: &Shell<'_>, message: &Element<'_>) {
    let (Some(id), Some(_)) = (shell.id, message.child("request", ns::RECEIPTS)) else { return };
    if matches!(shell.type_, "error" | "groupchat") {
        return;
    }
    let back = shell.return_address();
    let kind = Some(shell.type_).filter(|kind| *kind == "chat");
    let tag = out.open("message").attr_if("type", kind).attr("from", &back.from).attr("to", back.to.as_it_came());
    tag.inside(|out| out.open("received").xmlns(ns::RECEIPTS).attr("id", id).empty());
}
