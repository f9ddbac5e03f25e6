//! Which server this is, by its own word (service discovery of the users' domain): servers differ in how they must be
//! dealt with and in what an administrator has to change. No rights depend on it.

pub mod liveness;
pub mod look;
pub mod probe;

use crate::ns;
use crate::xml::Element;

/// The programs that the service knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    /// Prosody.
    Prosody,
    /// ejabberd.
    Ejabberd,
    /// Openfire.
    Openfire,
}

impl Software {
    /// All of them.
    pub const ALL: [Software; 3] = [Software::Prosody, Software::Ejabberd, Software::Openfire];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Software::Prosody => "Prosody",
            Software::Ejabberd => "ejabberd",
            Software::Openfire => "Openfire",
        }
    }
}

/// What the server says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// The program, if it is a known one.
    pub software: Option<Software>,
    /// It keeps messages for people who are away (XEP-0160).
    pub keeps_messages: bool,
}

impl Server {
    /// Reads the answer to [`Wire::ask_server`](crate::stanza::wire::Wire::ask_server).
    pub fn read(answer: &Element<'_>) -> Server {
        let Some(query) = answer.child("query", ns::DISCO_INFO) else { return Server::default() };
        let name = query.elements().find(|e| e.is("identity", ns::DISCO_INFO) && e.attr("category") == Some("server"));
        let name = name.and_then(|identity| identity.attr("name")).unwrap_or("").to_lowercase();
        let named = |software: &Software| name.starts_with(&software.name().to_lowercase());
        Server {
            software: Software::ALL.into_iter().find(named),
            keeps_messages: query
                .elements()
                .any(|e| e.is("feature", ns::DISCO_INFO) && e.attr("var") == Some("msgoffline")),
        }
    }
}
