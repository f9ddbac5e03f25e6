//! The board behind Debian's nginx, told what `neerc init` prints: over TLS, with streams that go on and the cookie that only
//! HTTPS may set.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::guard::{self, Port, Process};
use crate::http::Http;
use crate::letter;
use crate::servers::{Kind, Server};
use crate::service::Neerc;
use crate::wait::wait_for;

/// Where Debian puts it, which is not in everybody's path.
const NGINX: &str = "/usr/sbin/nginx";

/// A web server before the board.
struct Proxy {
    process: Process,
    certificate: String,
    origin: String,
    authority: String,
}

impl Proxy {
    /// What `neerc init` prints for nginx, with the names and ports of this test.
    fn configuration(folder: &Path, port: u16, board: &Http) -> String {
        let printed = letter::init(Kind::Prosody, &[]).all;
        let lines =
            printed.split_once("nginx: ").and_then(|(_, rest)| rest.split_once('\n')).expect("lines for nginx").1;
        let lines = lines.split("\nCaddy: ").next().unwrap_or_default();
        let folder = folder.display();
        let replaced = [
            ("listen 443 ssl", format!("listen 127.0.0.1:{port} ssl")),
            ("server_name board.localhost;", "server_name localhost;".to_owned()),
            ("/etc/letsencrypt/live/board.localhost/fullchain.pem", format!("{folder}/cert.pem")),
            ("/etc/letsencrypt/live/board.localhost/privkey.pem", format!("{folder}/key.pem")),
            ("/var/log/nginx/neerc.log", format!("{folder}/access.log")),
            ("http://127.0.0.1:8080", format!("http://{}", board.0)),
        ];
        let lines = replaced.iter().fold(lines.to_owned(), |lines, (printed, ours)| {
            assert!(lines.contains(printed), "no {printed:?} in\n{lines}");
            lines.replace(printed, ours)
        });
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary = temporary.map(|name| format!("{name}_temp_path {folder}/{name};\n")).concat();
        format!(
            "daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n\
             http {{\n{temporary}{lines}}}\n"
        )
    }

    fn start(port: &Port, board: &Http) -> Proxy {
        let folder = guard::scratch_dir("nginx");
        let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]);
        openssl.args(["-addext", "subjectAltName=DNS:localhost", "-keyout"]).arg(&key).arg("-out").arg(&certificate);
        assert!(openssl.stderr(Stdio::null()).status().expect("openssl is there").success());
        let file = folder.join("nginx.conf");
        fs::write(&file, Proxy::configuration(&folder, port.number, board)).unwrap();
        let mut command = Command::new(NGINX);
        command.arg("-e").arg(folder.join("error.log")).arg("-p").arg(&folder).arg("-c").arg(&file);
        let log = folder.join("nginx.log");
        let mut process = Process::spawn_logged("nginx", &mut command, &log);
        wait_for("nginx", || {
            let ended = process.exited();
            assert!(ended.is_none(), "{ended:?} {}", guard::log_tail(&log));
            std::net::TcpStream::connect(("127.0.0.1", port.number)).is_ok()
        });
        let authority = format!("localhost:{}", port.number);
        let origin = format!("https://{authority}");
        Proxy { process, certificate: certificate.display().to_string(), origin, authority }
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
    let server = Server::shared(Kind::Prosody);
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let (port, behind) = (Port::reserve(), Port::reserve());
    let board = Http(format!("127.0.0.1:{}", behind.number));
    let toml = format!(
        "[web]\nlisten = \"{}\"\nurl = \"https://localhost:{}\"\n[operations]\nlisten = \"127.0.0.1:0\"\n",
        board.0, port.number
    );
    let neerc = Neerc::start(server, &[&room], &toml);
    let mut proxy = Proxy::start(&port, &board);
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
    for part in ["__Host-neerc=", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"] {
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
    let logged = fs::read_to_string(Path::new(&proxy.certificate).with_file_name("access.log")).unwrap();
    assert!(logged.contains("/metrics") && !logged.contains("/l/"), "{logged}");
    proxy.process.terminate();
}

/// What the service says arrives at once: nginx does not gather it.
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
