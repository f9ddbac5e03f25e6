//! TLS to a real server with certificates of our own: who is believed, and what is said where nobody is.

use crate::lease::LEASE_TTL_MS;
use crate::tests::{block_on, created};
use crate::{Existing, Looked, Standby, Url, backup, open, survey};
use neerc_testing::postgres::Cluster;
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// A server, with a CA that has issued its certificate, for `localhost`.
pub(super) struct Place {
    pub cluster: Cluster,
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Place {
    pub fn new() -> Place {
        let mut ca = CertificateParams::new([]).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name.push(DnType::CommonName, "who issues");
        let key = KeyPair::generate().unwrap();
        let pem = ca.self_signed(&key).unwrap().pem();
        let (cluster, folder) = (Cluster::start(&[]), TempDir::new().unwrap());
        let place = Place { cluster, folder, issuer: Issuer::new(ca, key) };
        fs::write(place.file("ca.pem"), &pem).unwrap();
        place.cluster.give("root.crt", &pem);
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(place.file("other.pem"), other.cert.pem()).unwrap();
        let own = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap();
        place.use_certificate(&certificate.signed_by(&own, &place.issuer).unwrap(), &own);
        place.cluster.sql("postgres", "ALTER ROLE postgres PASSWORD 'secret'");
        place
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate for somebody who logs in, and its key.
    pub fn issue(&self, name: &str, change: impl Fn(&mut CertificateParams)) {
        let mut certificate = CertificateParams::new([]).unwrap();
        certificate.distinguished_name.push(DnType::CommonName, "postgres");
        change(&mut certificate);
        let key = KeyPair::generate().unwrap();
        fs::write(self.file(&format!("{name}.crt")), certificate.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        self.write_key(&format!("{name}.key"), &key.serialize_pem());
    }

    /// A key that only its owner may read.
    pub fn write_key(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).unwrap();
        fs::set_permissions(self.file(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The certificate of the server, once it is set up anew.
    pub fn use_certificate(&self, certificate: &Certificate, key: &KeyPair) {
        self.cluster.give("server.crt", &certificate.pem());
        self.cluster.give("server.key", &key.serialize_pem());
    }

    /// Sets the server up anew: with TLS or without, and who is let in over the network, as in `hostssl` and `trust`.
    pub fn set(&self, ssl: &str, hba: &str, method: &str) {
        let rules = format!("local all all trust\n{hba} all all 127.0.0.1/32 {method}\n");
        self.cluster.give("pg_hba.conf", &rules);
        self.cluster.set(&[("ssl", ssl), ("ssl_ca_file", "root.crt")]);
        assert_eq!(self.cluster.sql("postgres", "SELECT count(error) FROM pg_hba_file_rules"), "0");
    }

    pub fn url(&self, address: &str, options: &str) -> Url {
        Url::parse(&format!("postgres://postgres:secret@{address}/postgres?{options}"), self.folder.path()).unwrap()
    }

    /// Its address by that name.
    pub fn at(&self, host: &str) -> String {
        format!("{host}:{}", self.cluster.port())
    }

    /// Opens it, and lets go of it.
    pub fn tries(&self, address: &str, options: &str) -> Result<(), String> {
        let opened = open(&self.url(address, options)).map_err(|error| error.to_string())?;
        block_on(opened.store.close()).unwrap();
        Ok(())
    }

    #[track_caller]
    pub fn opens(&self, host: &str, options: &str) {
        assert_eq!(self.tries(&self.at(host), options), Ok(()), "{options}");
    }

    #[track_caller]
    pub fn refuses(&self, host: &str, options: &str, says: &str) {
        let why = self.tries(&self.at(host), options).unwrap_err();
        assert!(why.contains(says), "{options}: {why}");
    }
}

#[test]
fn a_server_is_believed_by_what_the_address_says_and_errors_say_what_to_change() {
    let place = Place::new();
    place.set("on", "hostssl", "trust");
    let ca = "sslrootcert=ca.pem";
    place.opens("localhost", &format!("sslmode=verify-full&{ca}"));
    place.opens("127.0.0.1", &format!("sslmode=verify-ca&{ca}"));
    place.opens("127.0.0.1", "sslmode=require");
    place.opens("127.0.0.1", "sslmode=prefer");
    place.opens("127.0.0.1", "application_name=neerc");
    let certificate = place.cluster.data().join("server.crt");
    fs::copy(certificate, place.file("own.pem")).unwrap();
    place.opens("localhost", "sslmode=verify-full&sslrootcert=own.pem");
    let name = format!("sslmode=verify-full&{ca}");
    place.refuses("127.0.0.1", &name, "is not for 127.0.0.1");
    place.refuses("127.0.0.1", &name, "issue one with 127.0.0.1 as subjectAltName");
    let other = "sslrootcert=other.pem";
    for mode in ["verify-full", "verify-ca", "require"] {
        place.refuses("localhost", &format!("sslmode={mode}&{other}"), "was not issued by anybody in");
    }
    place.refuses(
        "localhost",
        "sslmode=verify-full&sslrootcert=system",
        "was not issued by anybody in the certificates of",
    );
    place.refuses("localhost", "sslmode=verify-full&sslrootcert=none.pem", "cannot read sslrootcert");
    place.refuses("localhost", "sslmode=disable", "leave sslmode=disable out of store.url");
    place.set("on", "hostnossl", "trust");
    place.opens("127.0.0.1", "sslmode=prefer");
    place.refuses("127.0.0.1", "sslmode=require", "write hostssl or host there");
    place.set("off", "host", "trust");
    place.opens("127.0.0.1", "sslmode=prefer");
    place.opens("127.0.0.1", "sslmode=disable");
    place.refuses("127.0.0.1", "sslmode=require", "set ssl = on there");
}

#[test]
fn all_that_goes_to_a_server_is_encrypted() {
    let place = Place::new();
    place.set("on", "hostssl", "trust");
    let url = place.url(&place.at("localhost"), "sslmode=verify-full&sslrootcert=ca.pem");
    let mut standby = Standby::of(&url, || 0); // no time passes, so it holds the lease
    let since = Instant::now();
    let opened = loop {
        match standby.look().unwrap() {
            Looked::Opened(opened) => break opened,
            Looked::Others(who) => assert!(since.elapsed() < PATIENCE, "{who:?}"),
        }
    };
    assert!(opened.holding.left_ms() <= LEASE_TTL_MS);
    block_on(opened.store.commit(created(1..=3))).unwrap();
    assert_eq!(opened.store.log_reader().newest().unwrap(), 3);
    let copy = backup(&url, Some(&place.file("copy.db")), Existing::Keep).unwrap();
    assert_eq!(copy.revision, 3);
    let Url::Postgres(servers) = &url else { panic!("{url}") };
    let [said] = &survey(servers).unwrap().servers[..] else { panic!("one server") };
    assert_eq!(said.said.as_ref().unwrap().log.as_ref().unwrap().revision, 3);
    let encrypted = "SELECT count(*) > 2 AND bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
        WHERE application_name = 'neerc'";
    assert_eq!(place.cluster.sql("postgres", encrypted), "t", "who writes, who keeps the lease, and who reads");
    block_on(opened.store.close()).unwrap();
}
