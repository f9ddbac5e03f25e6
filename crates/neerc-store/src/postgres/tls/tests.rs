//! TLS to a real server with certificates of our own: who is believed, and what is said where nobody is.

use crate::lease::LEASE_TTL_MS;
use crate::tests::{block_on, created};
use crate::{Existing, Looked, Opened, Standby, StoreError, Url, backup, open, survey};
use neerc_testing::postgres::Cluster;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// A server, with a CA that has issued its certificate, for `localhost`.
struct Place {
    cluster: Cluster,
    folder: TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place { cluster: Cluster::start(&[]), folder: TempDir::new().unwrap() };
        let mut ca = CertificateParams::new([]).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name.push(DnType::CommonName, "who issues");
        let key = KeyPair::generate().unwrap();
        fs::write(place.file("ca.pem"), ca.self_signed(&key).unwrap().pem()).unwrap();
        let issuer = Issuer::new(ca, key);
        let own = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&own, &issuer).unwrap();
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(place.file("other.pem"), other.cert.pem()).unwrap();
        place.give("server.crt", &certificate.pem());
        place.give("server.key", &own.serialize_pem());
        place
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file in the folder of the server, which only it may read.
    fn give(&self, name: &str, text: &str) {
        let (path, of) = (self.cluster.data().join(name), fs::metadata(self.cluster.data()).unwrap());
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        chown(&path, Some(of.uid()), Some(of.gid())).unwrap();
    }

    /// Sets the server up anew: with TLS or without, and who is let in over the network.
    fn set(&self, ssl: &str, hba: &str) {
        self.give("pg_hba.conf", &format!("local all all trust\n{hba} all all 127.0.0.1/32 trust\n"));
        self.cluster.sql("postgres", &format!("ALTER SYSTEM SET ssl = {ssl}"));
        self.cluster.sql("postgres", "SELECT pg_reload_conf()");
        let rules = "SELECT current_setting('ssl'), string_agg(type, ',') FROM pg_hba_file_rules";
        let since = Instant::now();
        // What one session sees another one may not see yet, so a new one is asked.
        while self.cluster.sql("postgres", rules) != format!("{ssl}|local,{hba}") {
            assert!(since.elapsed() < PATIENCE, "it is not set");
            sleep(Duration::from_millis(20));
        }
    }

    fn url(&self, host: &str, options: &str) -> Url {
        let text = format!("postgres://postgres@{host}:{}/postgres?{options}", self.cluster.port());
        Url::parse(&text, self.folder.path()).unwrap()
    }

    fn open(&self, host: &str, options: &str) -> Result<Opened, StoreError> {
        open(&self.url(host, options))
    }

    /// Opens it, and lets go of it.
    #[track_caller]
    fn opens(&self, host: &str, options: &str) {
        block_on(self.open(host, options).unwrap().store.close()).unwrap();
    }

    #[track_caller]
    fn refuses(&self, host: &str, options: &str, says: &str) {
        let why = self.open(host, options).unwrap_err().to_string();
        assert!(why.contains(says), "{options}: {why}");
    }
}

#[test]
fn a_server_is_believed_by_what_the_address_says_and_errors_say_what_to_change() {
    let place = Place::new();
    place.set("on", "hostssl");
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
    place.set("on", "hostnossl");
    place.opens("127.0.0.1", "sslmode=prefer");
    place.refuses("127.0.0.1", "sslmode=require", "write hostssl or host there");
    place.set("off", "host");
    place.opens("127.0.0.1", "sslmode=prefer");
    place.opens("127.0.0.1", "sslmode=disable");
    place.refuses("127.0.0.1", "sslmode=require", "set ssl = on there");
}

#[test]
fn all_that_goes_to_a_server_is_encrypted() {
    let place = Place::new();
    place.set("on", "hostssl");
    let url = place.url("localhost", "sslmode=verify-full&sslrootcert=ca.pem");
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
