//! What to change where, when a room does not let the service in or does not answer it: in the words of the server that
//! it is, or of all three while that is not known. Not whether it is let in: that is mod.rs.

use super::RoomWatch;
use crate::server::Software;

impl RoomWatch {
    /// What to do about a join that was refused, by the condition and the server's own words.
    pub(super) fn join_advice(&self, condition: &str, said: &str) -> String {
        let (component, room, domain) = (&self.settings.component, self.jid.as_str(), self.jid.domain());
        match condition {
            "forbidden" if said.contains("creation") => format!(
                "{room} is missing, and {component} may not make rooms: in ejabberd, give it access_create as well \
                 (access_rules: muc_create: allow: neerc; an entry in access_admin does not imply it), or make the room: \
                 ejabberdctl create_room {} {domain} {}",
                self.room, self.settings.host
            ),
            "registration-required" | "forbidden" => format!(
                "give {component} the right to enter: make it an owner of all rooms: {}; neerc init prints the lines. Or \
                 make it a member of {room}",
                self.ownership()
            ),
            // Either the room is missing and not anybody may create one, or the domain is none of this server's.
            "not-allowed" => format!(
                "let {component} create rooms by making it an owner of all rooms: {}; neerc init prints the lines. Or create \
                 the room with any client; if {domain} is not the server's domain of chat rooms, correct rooms.service in \
                 neerc.toml ({domain})",
                self.ownership()
            ),
            "remote-server-not-found" | "remote-server-timeout" => format!(
                "correct rooms.service in neerc.toml ({domain}), or start that chat room service in the server's \
                 configuration"
            ),
            "not-authorized" => format!(
                "the room has a password, which {component} does not know: take the password out of the configuration of \
                 {room} (in any client, as its owner); who may come in is settled by its member list"
            ),
            "item-not-found" => {
                "the room is locked or may not be created by the service; create it with any client".to_owned()
            }
            _ => "the server gave no better reason".to_owned(),
        }
    }

    /// What to do about a list that cannot be read.
    pub(super) fn unreadable(&self, affiliation: &str, failure: &str) -> String {
        format!(
            "the {affiliation} list of {} cannot be read ({failure}), so only people who are in the room are known: make \
             {} an owner of all rooms: {}; neerc init prints the lines",
            self.jid.as_str(),
            self.settings.component,
            self.ownership()
        )
    }

    /// How the service becomes an owner of all rooms.
    fn ownership(&self) -> String {
        let component = &self.settings.component;
        let prosody = format!(
            "in Prosody, admins = {{ \"{component}\" }} and component_admins_as_room_owners = true in the section Component \
             \"{}\" \"muc\"",
            self.jid.domain()
        );
        let ejabberd =
            format!("in ejabberd, acl: neerc: server: {component}, and access_admin with allow: neerc under mod_muc");
        let openfire = format!(
            "in Openfire, {} under Group Chat > Group Chat Settings > conference > Administrators, and as rooms.jid in \
             neerc.toml",
            if self.settings.jid.contains('@') {
                self.settings.jid.clone()
            } else {
                format!("tasks-service@{component}")
            }
        );
        match self.software {
            Some(Software::Prosody) => prosody,
            Some(Software::Ejabberd) => ejabberd,
            Some(Software::Openfire) => openfire,
            None => [prosody, ejabberd, openfire].join("; "),
        }
    }
}

/// What it means that the server lets presences through and answers nothing.
pub(super) fn unanswered(component: &str) -> String {
    format!(
        "the server lets {component} into its rooms, but answers none of its requests. ejabberd from 24.06 on does so where \
         mod_privilege is on and has no permission for {component}: take mod_privilege out, or from 25.03 on give it one \
         (access_rules: privileged: [{{allow: neerc}}]; modules: mod_privilege: {{roster: {{get: privileged}}}}); up to 24.12 a \
         permission does not help"
    )
}
