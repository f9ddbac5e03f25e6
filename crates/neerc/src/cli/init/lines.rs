//! What to tell the XMPP server: the lines of its configuration, and the commands that give people their place in a
//! room. In the servers' own words, each line with why. Not the service's own configuration: that is in init.rs.

use neerc_xmpp::server::Software;

use super::quoted;

/// Whose lines are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The domain of the users.
    pub host: &'a str,
    /// The secret shared with the server.
    pub secret: &'a str,
}

/// What to tell the server, so that the service may connect and owns the rooms.
pub fn configuration(software: Software, site: Site<'_>) -> String {
    match software {
        Software::Prosody => prosody(site),
        Software::Ejabberd => ejabberd(site),
        Software::Openfire => openfire(site),
    }
}

/// The address that the service has towards Openfire's rooms: two pages of its console fail on a bare domain.
pub fn openfire_rooms_jid(component: &str) -> String {
    format!("tasks-service@{component}")
}

/// How whoever runs the server gives `jid` an affiliation in a room, on lines of their own.
pub fn place(software: Software, room: &str, service: &str, jid: &str, affiliation: &str) -> Vec<String> {
    match software {
        Software::Prosody => vec![format!(
            "prosodyctl shell 'muc:room(\"{room}@{service}\"):set_affiliation(true,\"{jid}\",\"{affiliation}\")'"
        )],
        Software::Ejabberd => {
            let (user, host) = jid.split_once('@').unwrap_or((jid, ""));
            vec![
                format!("ejabberdctl set_room_affiliation {room} {service} {jid} {affiliation}    # before 24.12"),
                format!(
                    "ejabberdctl set_room_affiliation {room} {service} {user} {host} {affiliation}    # from 24.12 on"
                ),
            ]
        }
        Software::Openfire => vec![format!("console: Group Chat > {room} > Permissions: add {jid} as {affiliation}")],
    }
}

/// How people get their place once everything runs.
pub fn people(software: Software, host: &str, admins: &[String]) -> String {
    let service = format!("conference.{host}");
    let mut text = match admins {
        [] => format!(
            "Nobody but the service has power in the room yet. Name yourself in rooms.owners (or run init with --admin \
             you@{host}), or\nhave the server do it:\n"
        ),
        [_] => format!("{} becomes an owner of the room if nobody has power in it. More people:\n", admins.join(", ")),
        _ => format!("{} become owners of the room if nobody has power in it. More people:\n", admins.join(", ")),
    };
    let mut say = |jid: &str, affiliation: &str| {
        for line in place(software, "neerc", &service, jid, affiliation) {
            text.push_str(&format!("    {line}\n"));
        }
    };
    say(&format!("admin@{host}"), "owner");
    say(&format!("hall1@{host}"), "member");
    text.push_str("Owners can do the same with any client that shows a room's members.\n");
    text
}

fn prosody(Site { host, secret }: Site<'_>) -> String {
    let secret = quoted(secret);
    format!(
        r#"-- Prosody 0.12 or newer: /etc/prosody/prosody.cfg.lua. Afterwards: systemctl restart prosody

-- 1. Above the first VirtualHost or Component.
-- Without this, stanzas over 8 KB, such as task lists, wait some 40 ms for an acknowledgement.
network_settings = {{ nagle = false }}
-- Prosody keeps what a device was told that has vanished, and hands it to the account's next login, which then shows
-- tasks as they were. This ends it; nobody's messages are kept while they are away. If there is such a list already, as
-- in Debian's file, add "offline" to that instead.
modules_disabled = {{ "offline" }}

-- 2. At the end of the file. If there is a section for the chat rooms, add these two lines to it instead.
-- They make the service an owner of all rooms, those that are there already too; Prosody 13 needs the second one.
Component "conference.{host}" "muc"
	admins = {{ "neerc.{host}" }}
	component_admins_as_room_owners = true

Component "neerc.{host}"
	component_secret = {secret}

-- Only if two machines stand by for each other, above the first VirtualHost or Component: one that hangs is left for the other.
-- component_conflict_resolve = "kick_old"

-- 3. Only if neerc.toml names a directory.jid: the right to read its contact list (package prosody-modules).
-- Add "privilege" to modules_enabled, under VirtualHost "{host}" this line, and under Component "neerc.{host}" the next.
--	privileged_entities = {{ ["neerc.{host}"] = {{ roster = "get" }} }}
--	modules_enabled = {{ "privilege" }}
-- Only if people come from other servers: all of them share s2sin in limits (30kb/s in Debian's file); raise it.
"#
    )
}

fn ejabberd(Site { host, secret }: Site<'_>) -> String {
    let secret = quoted(secret);
    format!(
        r#"# ejabberd 23.01 or newer: /etc/ejabberd/ejabberd.yml. Merge this into the sections that are there: add to the list
# "listen"; where another key is there already, replace its value. Afterwards: ejabberdctl restart
# Run one neerc only, or two on one PostgreSQL, of which one stands by: ejabberd takes a second connection silently and
# deals requests between the two.
listen:
  - port: 5347
    ip: "127.0.0.1"
    module: ejabberd_service
    access: all
    global_routes: false    # a component gets its own stanzas only, not those of others on this port
    hosts:
      "neerc.{host}":
        password: {secret}
acl:
  local:
    user_regexp: ""
  neerc:
    server:
      - "neerc.{host}"
access_rules:
  muc_admin:                # an owner of all rooms, those that are there already too
    - allow: admin
    - allow: neerc
  muc_create:               # may make a room that is missing: an owner may not, by itself
    - allow: neerc
    - allow: local
modules:
  mod_muc:
    access_admin: muc_admin
    access_create: muc_create
    access_persistent: muc_create
# Only if neerc.toml names a directory.jid: the right to read its contact list. Not from 24.06 to 24.12: once mod_privilege
# is there, these drop all other requests of the service without a word (mended in 25.03).
#   access_rules:  privileged: [{{allow: neerc}}]
#   modules:       mod_privilege: {{roster: {{get: privileged}}}}
# Only if more than ten people share an account: raise max_user_sessions in shaper_rules, or the oldest is put out.
"#
    )
}

fn openfire(Site { host, secret }: Site<'_>) -> String {
    let jid = openfire_rooms_jid(&format!("neerc.{host}"));
    format!(
        r#"Openfire 4 or newer: admin console, http://SERVER:9090. Nothing has to be restarted but for step 3.
1. Server > Server Settings > External Components: add a component under "Allowed to Connect" with
       Subdomain       neerc
       Shared secret   {secret}
   The service is on by default, on port 5275 (xmpp.component.socket.active and .port under System Properties).
2. Group Chat > Group Chat Settings > conference > Administrators: add
       {jid}
   That makes the service an owner of all rooms. It is the service's address in the rooms (rooms.jid in neerc.toml); do
   not add neerc.{host} instead: that page and the rooms' page Permissions fail on an address without a user name.
3. Up to 4.7, Server > Server Manager > System Properties: xmpp.socket.tcp-nodelay = true, then restart Openfire.
   Without it, long stanzas such as task lists wait some 40 ms for an acknowledgement.
4. A room that is there already takes 30 people unless told otherwise: Group Chat > neerc > Room Settings > Maximum Room
   Occupants: Unlimited. A room that the service makes has no limit.
5. Up to 4.7, if people come from other servers: xmpp.muc.skipInvite = true. Without it, whoever adds a member from a
   server that cannot be reached waits for a minute.
6. Only if there is a directory.jid: Openfire gives no component the right to read contact lists; use [[groups]].
"#
    )
}
