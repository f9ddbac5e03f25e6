//! Certificates for those who log in, with a real server.

use crate::postgres::tls::tests::Place;
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

const NETWORK: &str = "127.0.0.1";

/// What gives a certificate and a key.
fn shown(certificate: &str, key: &str) -> String {
    format!("sslmode=require&sslcert={certificate}.crt&sslkey={key}.key")
}

fn issued() -> Place {
    let place = Place::new();
    place.issue("own", |_| {});
    place.issue("others", |certificate| certificate.distinguished_name.push(DnType::CommonName, "somebody"));
    place.issue("old", |certificate| {
        (certificate.not_before, certificate.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    });
    let (mut alone, key) = (CertificateParams::new([]).unwrap(), KeyPair::generate().unwrap());
    alone.distinguished_name.push(DnType::CommonName, "postgres");
    fs::write(place.file("alone.crt"), alone.self_signed(&key).unwrap().pem()).unwrap();
    place.write_key("alone.key", &key.serialize_pem());
    place
}

#[test]
fn a_certificate_lets_in_whom_it_is_for() {
    let place = issued();
    place.set("on", "hostssl", "cert");
    place.opens("localhost", "sslmode=verify-full&sslrootcert=ca.pem&sslcert=own.crt&sslkey=own.key");
    place.opens(NETWORK, &shown("own", "own"));
    place.opens(NETWORK, "sslcert=own.crt&sslkey=own.key");
    place.refuses(NETWORK, "sslmode=require", "give it as sslcert and sslkey in store.url");
    place.refuses(NETWORK, "sslmode=prefer", "give it as sslcert and sslkey in store.url");
    place.refuses(NETWORK, &shown("others", "others"), "its common name (CN) is compared");
    place.refuses(NETWORK, &shown("alone", "alone"), "the certificate of the CA that issued sslcert");
    place.refuses(NETWORK, &shown("old", "old"), "has expired: renew it");

    place.set("on", "hostssl", "scram-sha-256 clientcert=verify-full");
    place.opens(NETWORK, &shown("own", "own"));
    place.opens(NETWORK, &format!("{}&channel_binding=require", shown("own", "own")));
    place.refuses(NETWORK, "sslmode=require", "give it as sslcert and sslkey in store.url");
    place.refuses(NETWORK, &shown("others", "others"), "its common name (CN) is compared");

    // There the server looks at it during the handshake.
    place.cluster.sql("postgres", "ALTER SYSTEM SET ssl_max_protocol_version = 'TLSv1.2'");
    place.set("on", "hostssl", "cert");
    place.opens(NETWORK, &shown("own", "own"));
    place.refuses(NETWORK, &shown("alone", "alone"), "the certificate of the CA that issued sslcert");
    place.refuses(NETWORK, &shown("old", "old"), "has expired: renew it");
}

#[test]
fn files_that_are_of_no_use_are_named_before_anything_is_sent() {
    let place = issued();
    place.set("on", "hostssl", "cert");
    place.refuses(NETWORK, &shown("own", "others"), "is not the key of sslcert");
    place.refuses(NETWORK, &shown("none", "own"), "cannot read sslcert");
    place.refuses(NETWORK, &shown("own", "none"), "cannot use sslkey");
    place.refuses(NETWORK, "sslcert=own.crt&sslkey=.", "it is no file");
    place.refuses(NETWORK, "sslcert=own.crt&sslkey=own.crt", "others have access to it: chmod 600");
    place.write_key("locked.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIHs\n-----END ENCRYPTED PRIVATE KEY-----\n");
    place.refuses(NETWORK, &shown("own", "locked"), "it is encrypted");
    place.write_key("wrong.key", "no key");
    place.refuses(NETWORK, &shown("own", "wrong"), "it must hold a private key in PEM");
    let key = place.file("own.key");
    let allow = |mode| fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
    allow(0o640);
    match fs::metadata(&key).unwrap().uid() {
        0 => place.opens(NETWORK, &shown("own", "own")),
        _ => place.refuses(NETWORK, &shown("own", "own"), "others have access to it"),
    }
    allow(0o400);
    place.opens(NETWORK, &shown("own", "own"));
    let both = [place.file("own.crt"), key].map(|file| fs::read_to_string(file).unwrap()).concat();
    place.write_key("both.pem", &both);
    place.opens(NETWORK, "sslmode=require&sslcert=both.pem&sslkey=both.pem");
}

#[test]
fn what_the_documentation_has_openssl_make_is_taken() {
    let place = Place::new();
    let doc = include_str!("../../../../../../doc/postgresql.md");
    let lines = doc.lines().filter(|line| line.starts_with("openssl ")).collect::<Vec<_>>().join(" && ");
    assert_eq!(lines.matches("-out neerc.pem").count(), 1, "{lines}");
    let lines = lines.replace("CN=neerc", "CN=postgres").replace("a.example.org", "localhost");
    let made = Command::new("sh").args(["-c", &lines]).current_dir(place.file("")).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let text = |name: &str| fs::read_to_string(place.file(name)).unwrap();
    for (name, made) in [("server.crt", "server.crt"), ("server.key", "server.key"), ("root.crt", "ca.pem")] {
        place.cluster.give(name, &text(made));
    }
    place.set("on", "hostssl", "cert");
    place.opens("localhost", "sslmode=verify-full&sslrootcert=ca.pem&sslcert=neerc.pem&sslkey=neerc.key");
    place.refuses("localhost", "sslcert=neerc.pem&sslkey=server.key", "sslcert");
}
