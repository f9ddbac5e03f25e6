//! The board behind Debian's nginx and Caddy, told what `neerc init` prints: over TLS, with streams that go on and the cookie
//! that only HTTPS may set.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::guard::{self, Port, Process};
use crate::http::Http;
use crate::letter;
use crate::servers::{Kind, Server};
use crate::service::Neerc;
use crate::wait::wait_for;

/// Where Debian puts them, which is not in everybody's path.
const NGINX: &str = "/usr/sbin/nginx";
const CADDY: &str = "/usr/bin/caddy";

/// A web server before the board.
struct Proxy {
    process: Process,
    folder: PathBuf,
    certificate: String,
    origin: String,
    authority: String,
}

/// What `neerc init` prints for one of them, with the names and ports of this test.
fn printed(name: &str, replaced: &[(&str, String)]) -> String {
    let all = letter::init(Kind::Prosody, &[]).all;
    let lines =
        all.split_once(&format!("\n{name}: ")).and_then(|(_, rest)| rest.split_once('\n')).expect("its lines").1;
    let lines = lines.split("\n\n").next().unwrap_or_default();
    replaced.iter().fold(lines.to_owned(), |lines, (printed, ours)| {
        assert!(lines.contains(printed), "no {printed:?} in\n{lines}");
        lines.replace(printed, ours)
    })
}

fn nginx(folder: &Path, port: u16, board: &Http) -> Command {
    let shown = folder.display();
    let replaced = [
        ("listen 443 ssl", format!("listen 127.0.0.1:{port} ssl")),
        ("server_name board.localhost;", "server_name localhost;".to_owned()),
        ("/etc/letsencrypt/live/board.localhost/fullchain.pem", format!("{shown}/cert.pem")),
        ("/etc/letsencrypt/live/board.localhost/privkey.pem", format!("{shown}/key.pem")),
        ("/var/log/nginx/neerc.log", format!("{shown}/access.log")),
        ("http://127.0.0.1:8080", format!("http://{}", board.0)),
    ];
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("{name}_temp_path {shown}/{name};\n")).concat();
    let configuration = format!(
        "daemon off;\nmaster_process off;\npid {shown}/nginx.pid;\nerror_log stderr;\nevents {{}}\n\
         http {{\n{temporary}{}}}\n",
        printed("nginx", &replaced)
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration).unwrap();
    let mut command = Command::new(NGINX);
    command.arg("-e").arg(folder.join("error.log")).arg("-p").arg(folder).arg("-c").arg(&file);
    command
}

/// It would ask for a certificate by itself, which it cannot have for this name; all else is as it comes.
fn caddy(folder: &Path, port: u16, board: &Http) -> Command {
    let shown = folder.display();
    let own = format!("localhost:{port} {{\n        bind 127.0.0.1\n        tls {shown}/cert.pem {shown}/key.pem");
    let replaced = [("board.localhost {", own), ("127.0.0.1:8080", board.0.clone())];
    let configuration = format!(
        "{{\n    admin off\n    auto_https disable_redirects\n    skip_install_trust\n}}\n{}\n",
        printed("Caddy", &replaced)
    );
    let file = folder.join("Caddyfile");
    fs::write(&file, configuration).unwrap();
    let mut command = Command::new(CADDY);
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
    command.env("HOME", folder).env("XDG_CONFIG_HOME", folder).env("XDG_DATA_HOME", folder);
    command
}

impl Proxy {
    fn start(port: &Port, board: &Http, told: fn(&Path, u16, &Http) -> Command) -> Proxy {
        let folder = guard::scratch_dir("proxy");
        let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]);
        openssl.args(["-addext", "subjectAltName=DNS:localhost", "-keyout"]).arg(&key).arg("-out").arg(&certificate);
        assert!(openssl.stderr(Stdio::null()).status().expect("openssl is there").success());
        let log = folder.join("proxy.log");
        let mut process = Process::spawn_logged("proxy", &mut told(&folder, port.number, board), &log);
        wait_for("the proxy", || {
            let ended = process.exited();
            assert!(ended.is_none(), "{ended:?} {}", guard::log_tail(&log));
            std::net::TcpStream::connect(("127.0.0.1", port.number)).is_ok()
        });
        let authority = format!("localhost:{}", port.number);
        let origin = format!("https://{authority}");
        Proxy { process, folder, certificate: certificate.display().to_string(), origin, authority }
    }

    /// A connection over TLS, its certificate checked, on which a request was sent.
    fn open(&self, request: &str) -> Process {
        let mut client = Command::new("openssl");
        client.args(["s_client", "-quiet", "-ign_eof", "-verify_return_error", "-verify_hostname", "localhost"]);
        client.args(["-servername", "localhost", "-connect", &self.authority.replace("localhost", "127.0.0.1")]);
        client.args(["-CAfile", &self.certificate]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut client = Process::spawn("openssl", &mut client);
        let input = client.child().stdin.as_mut().expect("a pipe");
        input.write_all(request.as_bytes()).unwrap();
        client
    }

    fn request(&self, method: &str, path: &str, fields: &str) -> String {
        Http(self.authority.clone()).request(method, path, fields, "")
    }

    /// The whole answer.
    fn ask(&self, method: &str, path: &str, fields: &str) -> String {
        let mut client = self.open(&self.request(method, path, fields));
        let mut answer = String::new();
        client.child().stdout.take().expect("a pipe").read_to_string(&mut answer).unwrap();
        answer
    }
}

#[test]
fn the_board_behind_nginx_as_init_prints_it() {
    if !Path::new(NGINX).exists() {
        eprintln!("SKIPPED: there is no nginx; scripts/setup test installs it");
        return;
    }
    let folder = the_board_behind(nginx);
    let logged = fs::read_to_string(folder.join("access.log")).unwrap();
    assert!(logged.contains("/metrics") && !logged.contains("/l/"), "{logged}");
}

#[test]
fn the_board_behind_caddy_as_init_prints_it() {
    if !Path::new(CADDY).exists() {
        eprintln!("SKIPPED: there is no Caddy; scripts/setup test installs it");
        return;
    }
    let folder = the_board_behind(caddy);
    // It logs no requests.
    let logged = fs::read_to_string(folder.join("proxy.log")).unwrap();
    assert!(logged.contains("serving initial configuration") && !logged.contains("/l/"), "{logged}");
}

/// Where the proxy kept its files.
fn the_board_behind(told: fn(&Path, u16, &Http) -> Command) -> PathBuf {
    let server = Server::shared(Kind::Prosody);
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let (port, behind) = (Port::reserve(), Port::reserve());
    let board = Http(format!("127.0.0.1:{}", behind.number));
    let toml = format!(
        "[web]\nlisten = \"{}\"\nurl = \"https://localhost:{}\"\n[operations]\nlisten = \"127.0.0.1:0\"\n",
        board.0, port.number
    );
    let neerc = Neerc::start(server, &[&room], &toml);
    let mut proxy = Proxy::start(&port, &board, told);
    let mut login = neerc.command();
    login.args(["login-link", "--room", &room, "--as", "jury1", "--config"]).arg(neerc.config());
    let link = letter::text(&login.output().unwrap());
    let path =
        link.trim().strip_prefix(&proxy.origin).unwrap_or_else(|| panic!("a link to the board: {link}")).to_owned();
    assert!(proxy.ask("GET", &path, "").starts_with("HTTP/1.1 200"));
    let forged = proxy.ask("POST", &path, "Origin: https://elsewhere.example\r\n");
    assert!(forged.starts_with("HTTP/1.1 403"), "{forged}");
    let entered = proxy.ask("POST", &path, &format!("Origin: {}\r\n", proxy.origin));
    let fields = entered.lines().filter_map(|line| line.split_once(": "));
    let cookie = fields.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let (_, cookie) = cookie.unwrap_or_else(|| panic!("no cookie in {entered}"));
    for part in ["__Host-neerc.", "Max-Age=172800", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"] {
        assert!(cookie.contains(part) && !cookie.contains("Domain"), "{cookie}");
    }
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap_or_default());
    let page = proxy.ask("GET", &format!("/r/{room}"), &cookie);
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("<table") || page.contains("id=\"board\""), "{page}");
    streams(&proxy, &format!("/r/{room}/events"), &cookie);
    for hidden in ["/metrics", "/readyz", "/../metrics", "/r/../metrics", "//metrics"] {
        let answer = proxy.ask("GET", hidden, "");
        assert!(!answer.starts_with("HTTP/1.1 200") && !answer.contains("neerc_"), "{hidden}: {answer}");
    }
    proxy.process.terminate();
    proxy.folder
}

/// What the service says arrives at once: the proxy does not gather it.
fn streams(proxy: &Proxy, path: &str, cookie: &str) {
    let mut client = proxy.open(&proxy.request("GET", path, &format!("Accept: text/event-stream\r\n{cookie}")));
    let lines = BufReader::new(client.child().stdout.take().expect("a pipe")).lines();
    let mut heard = Vec::new();
    for line in lines.map_while(Result::ok) {
        heard.push(line);
        if heard.iter().filter(|line| line.starts_with("event: beat")).count() == 2 {
            return;
        }
    }
    panic!("the stream ended after {heard:#?}");
}
