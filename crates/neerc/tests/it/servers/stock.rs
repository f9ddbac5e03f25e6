//! The configuration files that the servers' packages ship, with what `neerc init` prints laid over them as it says, and
//! nothing else changed but what lets several servers run at once without root's folders: ports, paths, and no TLS.

use super::{HOST, Server, home};

/// Prosody's file: section 1 above the first host, the rest at the end.
pub fn prosody(server: &Server, printed: &str) -> String {
    let shipped = home().read("/etc/prosody/prosody.cfg.lua").expect("the package prosody is installed");
    let (above, end) = printed.split_once("\n-- 2.").unwrap_or((printed, ""));
    // An option that is given twice is a warning, in some files an error.
    let shipped =
        shipped.replace("\npidfile =", "\nlocal theirs_pidfile =").replace("\nlog = {", "\nlocal theirs_log = {");
    let offline = "modules_disabled = { \"offline\" }\n";
    let has_offline = above.contains(offline) && shipped.contains("\nmodules_disabled = {\n");
    let (above, shipped) = match has_offline {
        true => (
            above.replace(offline, ""),
            shipped.replace("\nmodules_disabled = {\n", "\nmodules_disabled = {\n\"offline\";\n"),
        ),
        false => (above.to_owned(), shipped),
    };
    let dir = server.dir.display();
    let ours = format!(
        r#"run_as_root = true
pidfile = "{dir}/prosody.pid"
data_path = "{dir}/data"
log = {{ {{ levels = {{ min = "info" }}, to = "file", filename = "{dir}/server.log" }} }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {} }}
c2s_direct_tls_ports = {{}}
s2s_ports = {{}}
component_interfaces = {{ "127.0.0.1" }}
component_ports = {{ {} }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
{}
"#,
        server.c2s_port, server.component_port, server.options.extra_config
    );
    let first_host = shipped.find("\nVirtualHost ").expect("the shipped file has a host") + 1;
    let (global, hosts) = shipped.split_at(first_host);
    assert!(hosts.starts_with(&format!("VirtualHost \"{HOST}\"")), "{hosts}");
    format!("{global}{ours}{above}\n{hosts}\n--{end}\n")
}

/// ejabberd's file: sections merged, the list of listeners longer, other keys replaced.
pub fn ejabberd(server: &Server, printed: &str) -> String {
    let shipped = home().read("/etc/ejabberd/ejabberd.yml").expect("the package ejabberd is installed");
    // The other listeners keep their ports, at an address of their own.
    let own_address = format!("127.77.{}.{}", server.c2s_port / 256, server.c2s_port % 256);
    let shipped = shipped
        .replace("ip: \"::\"", &format!("ip: \"{own_address}\""))
        .replacen(
            &format!("port: 5222\n    ip: \"{own_address}\""),
            &format!("port: {}\n    ip: \"127.0.0.1\"", server.c2s_port),
            1,
        )
        .replace("starttls_required: true", "starttls_required: false");
    let mut tree = tree(&shipped);
    let printed = printed.replace("port: 5347", &format!("port: {}", server.component_port));
    merge(&mut tree, self::tree(&printed));
    let api = format!(
        "listen:\n  - port: {}\n    ip: \"127.0.0.1\"\n    module: ejabberd_http\n    request_handlers:\n      /api: mod_http_api\napi_permissions:\n  tests:\n    from: mod_http_api\n    who: all\n    what: \"*\"\n",
        server.http_port
    );
    merge(&mut tree, self::tree(&api));
    merge(&mut tree, self::tree(&server.options.extra_config));
    let mut text = String::new();
    write(&tree, &mut text);
    text
}

/// A line of YAML and the lines below it that are indented deeper.
struct Node<'a> {
    line: &'a str,
    below: Vec<Node<'a>>,
}

impl Node<'_> {
    fn key(&self) -> &str {
        self.line.trim().split(':').next().unwrap_or_default()
    }

    fn is_item(&self) -> bool {
        self.line.trim().starts_with('-')
    }
}

fn tree(text: &str) -> Vec<Node<'_>> {
    let is_line = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with('#') && line.trim() != "---";
    below(&mut text.lines().filter(is_line).peekable(), 0)
}

fn below<'a>(lines: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>, indent: usize) -> Vec<Node<'a>> {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut nodes = Vec::new();
    while let Some(line) = lines.next_if(|line| depth(line) >= indent) {
        nodes.push(Node { line, below: below(lines, depth(line) + 1) });
    }
    nodes
}

fn merge<'a>(into: &mut Vec<Node<'a>>, new: Vec<Node<'a>>) {
    for node in new {
        let same = into.iter_mut().find(|known| !node.is_item() && known.key() == node.key());
        match same {
            None => into.push(node),
            Some(known) if node.key() == "listen" => known.below.extend(node.below),
            Some(known) if node.below.iter().chain(&known.below).any(Node::is_item) || node.below.is_empty() => {
                *known = node;
            }
            Some(known) => merge(&mut known.below, node.below),
        }
    }
}

fn write(nodes: &[Node<'_>], text: &mut String) {
    for node in nodes {
        text.push_str(node.line);
        text.push('\n');
        write(&node.below, text);
    }
}

#[test]
fn printed_yaml_is_merged_as_it_says() {
    let mut shipped = tree("a:\n  x: 1\n  y:\n    - 1\nlisten:\n  -\n    port: 1\n");
    merge(&mut shipped, tree("a:\n  y:\n    - 2\n  z: 3\nlisten:\n  - port: 2\n    b: c\n"));
    let mut text = String::new();
    write(&shipped, &mut text);
    assert_eq!(text, "a:\n  x: 1\n  y:\n    - 2\n  z: 3\nlisten:\n  -\n    port: 1\n  - port: 2\n    b: c\n");
}
