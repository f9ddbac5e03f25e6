//! Endpoints over TLS: one is believed by its certificate or by the certificate's fingerprint, and nobody else is told anything.

use super::*;
use crate::tls::Identity;

/// An endpoint of that name with a certificate of its own; that in PEM, and its fingerprint.
fn endpoint(name: &str) -> (Endpoint, String, String) {
    let Identity { config, pem, fingerprint } = Identity::of(name);
    (Endpoint::behind(Some(config)), pem, fingerprint)
}

fn hook(at: &str, port: u16, more: &str) -> String {
    format!(
        "[[webhooks]]\nurl = \"https://{at}:{port}{PATH}\"\nsecret = \"{SECRET}\"\n\
         allow_private = [\"127.0.0.0/8\"]\n{more}\n"
    )
}

#[test]
fn an_endpoint_is_believed_by_its_certificate_and_by_no_other() {
    let (by_file, pem, _) = endpoint("localhost");
    let (by_fingerprint, _, fingerprint) = endpoint("of.no.interest");
    let (of_another_name, other_pem, _) = endpoint("elsewhere.example");
    let (of_nobody, _, _) = endpoint("localhost");
    let port = |endpoint: &Endpoint| endpoint.at.port();
    let toml = [
        hook("localhost", port(&by_file), "ca_file = \"ca.pem\""),
        hook("127.0.0.1", port(&by_fingerprint), &format!("fingerprint = \"{fingerprint}\"")),
        hook("localhost", port(&of_another_name), "ca_file = \"other.pem\""),
        hook("localhost", port(&of_nobody), ""),
        hook("127.0.0.1", port(&of_nobody), &format!("fingerprint = \"{fingerprint}\"")),
    ];
    let (listener, mut neerc) = FakeServer::prepare(&toml.concat());
    std::fs::write(neerc.dir.join("ca.pem"), pem).unwrap();
    std::fs::write(neerc.dir.join("other.pem"), other_pem).unwrap();
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    // The second message comes over the same connection.
    for title in ["one", "two"] {
        make(&mut fake, title);
        for endpoint in [&by_file, &by_fingerprint] {
            assert_eq!(endpoint.next().body["data"]["title"], title);
        }
    }
    for (host, endpoint) in [("localhost", &of_another_name), ("localhost", &of_nobody), ("127.0.0.1", &of_nobody)] {
        let trouble = format!("the webhook to https://{host}:{} does not take what happens", port(endpoint));
        neerc.wait_for_log(&trouble, 0);
        let log = neerc.log();
        let line = log.lines().find(|line| line.contains(&trouble)).unwrap();
        assert!(line.contains("certificate"), "{line}");
        assert!(endpoint.heard.recv_timeout(Duration::ZERO).is_err());
    }
    trust::report("P4", "webhooks over TLS to somebody else's certificate", 3, "0 sent");
}
