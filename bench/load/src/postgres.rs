//! The store in PostgreSQL beside a bare loop of the same statement, and what a second machine's disk costs.

use crate::process::folder;
use crate::table::{Goal, Row, median_run};
use crate::{Outcome, Scale};
use neerc_core::change::{Change, Entry};
use neerc_core::people::Person;
use neerc_core::task::{Kind, TaskId, Title};
use neerc_store::{Store, Url, open};
use neerc_testing::postgres::Cluster;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The tables of the store, and the statement that stores a batch in them.
const TABLES: &str = include_str!("../../../crates/neerc-store/src/postgres/migrations/1.sql");
const STATEMENT: &str = "
    WITH fence AS (
        UPDATE head SET revision = $1, batch = $2, told = greatest(told, $3) WHERE epoch = $4 AND revision = $5
        RETURNING 1
    )
    INSERT INTO log SELECT u.* FROM fence, unnest($6::bigint[], $7::text[], $8::bigint[], $9::text[], $10::text[],
        $11::bigint[]) AS u";
/// What one of our changes is stored as.
const RECORD: &str =
    r#"{"created":{"task":1000,"title":"Bring water to hall 17","kind":"todo","timestamp_ms":1000,"statuses":[]}}"#;
const BATCHES: [usize; 2] = [16, 64];
/// How many changes there are in a batch over TLS.
const ENCRYPTED: usize = 16;
/// Where the server of the bench is on the network, and the name that its certificate is for.
const HOST: &str = "127.0.0.1";

/// Changes after a revision.
fn entries(after: u64, count: usize) -> Outcome<Vec<Entry>> {
    let (title, by) = (Title::parse("Bring water to hall 17")?, Person::named("admin", "localhost"));
    let entry = |revision: u64| {
        let (task, title, kind) = (TaskId(revision), title.clone(), Kind::Todo);
        let at_ms = i64::try_from(revision).unwrap_or(0);
        let change =
            Change::Created { task, title, kind, timestamp_ms: at_ms, statuses: vec![], plan: None, deadline: None };
        Entry { revision, room: "neerc".into(), at_ms, by: by.clone(), change, request: None }
    };
    Ok((after + 1..=after + count as u64).map(entry).collect())
}

/// How long each commit took, for a while.
fn commits(store: &Store, last: &mut u64, batch: usize, time: Duration) -> Outcome<Vec<f64>> {
    let (begin, mut took) = (Instant::now(), Vec::new());
    while begin.elapsed() < time {
        let changes = entries(*last, batch)?;
        let since = Instant::now();
        store.commit(changes).wait()?;
        took.push(since.elapsed().as_secs_f64());
        *last += batch as u64;
    }
    Ok(took)
}

/// How the bare loop is encrypted, as the driver's users do it, with the certificate that it believes.
fn encryption(certificate: &Path) -> Outcome<MakeRustlsConnect> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate)?)?;
    let builder = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into());
    let config = builder.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Connects the bare loop, encrypted if its address says so.
async fn connect(url: &str, certificate: &Path) -> Outcome<Client> {
    let config: Config = url.parse()?;
    if config.get_ssl_mode() == SslMode::Require {
        let (client, connection) = config.connect(encryption(certificate)?).await?;
        tokio::spawn(connection);
        return Ok(client);
    }
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Rows each second by the bare loop, in another database.
fn bare(url: &str, certificate: &Path, batch: usize, time: Duration) -> Outcome<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let epoch = 1_i64; // as its tables have it
    runtime.block_on(async {
        let client = connect(url, certificate).await?;
        let statement = client.prepare(STATEMENT).await?;
        let mut last: i64 = client.query_one("SELECT revision FROM head", &[]).await?.get(0);
        let (begin, mut rows) = (Instant::now(), 0);
        let (rooms, by) = (vec!["neerc"; batch], vec!["admin@localhost"; batch]);
        let (records, sums) = (vec![RECORD; batch], vec![0_i64; batch]);
        while begin.elapsed() < time {
            let next = last + i64::try_from(batch)?;
            let revisions: Vec<i64> = (last + 1..=next).collect();
            let name = next.to_string();
            let stored = client
                .execute(
                    &statement,
                    &[&next, &name, &0_i64, &epoch, &last, &revisions, &rooms, &revisions, &by, &records, &sums],
                )
                .await?;
            rows += stored;
            last = next;
        }
        Ok(rows as f64 / begin.elapsed().as_secs_f64())
    })
}

fn percentile(took: &[f64], part: f64) -> f64 {
    let mut sorted = took.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((sorted.len() as f64 * part) as usize).or(sorted.last()).map_or(f64::NAN, |s| s * 1_000.0)
}

/// A store, and where the bare loop has the same tables.
struct Beside<'a> {
    store: &'a Store,
    bare: String,
    certificate: &'a Path,
}

impl Beside<'_> {
    /// Batches by both in turns.
    fn batches(&self, what: String, last: &mut u64, batch: usize, scale: Scale) -> Outcome<Row> {
        let (mut ours, mut beside) = (Vec::new(), Vec::new());
        for _ in 0..scale.runs {
            let before = bare(&self.bare, self.certificate, batch, scale.time)?;
            let took = commits(self.store, last, batch, scale.time * 2)?;
            let after = bare(&self.bare, self.certificate, batch, scale.time)?;
            ours.push(batch as f64 * took.len() as f64 / took.iter().sum::<f64>());
            beside.push((before + after) / 2.0);
        }
        Ok(Row::new(what, ours, "/s").beside(&beside, "bare tokio-postgres").goal(Goal::Ratio(0.6)))
    }
}

/// Gives the server a certificate; where that is.
fn encrypt(server: &Cluster, folder: &Path) -> Outcome<PathBuf> {
    let made = rcgen::generate_simple_self_signed([HOST.to_owned()])?;
    server.give("server.crt", &made.cert.pem());
    server.give("server.key", &made.signing_key.serialize_pem());
    server.set(&[("ssl", "on")]);
    let certificate = folder.join("server.pem");
    std::fs::write(&certificate, made.cert.pem())?;
    Ok(certificate)
}

/// Batches by both over TLS.
fn over_tls(server: &Cluster, folder: &Path, certificate: &Path, scale: Scale) -> Outcome<Row> {
    let (name, other) = (server.database(), server.database());
    server.sql(&other, TABLES);
    server.sql(&other, "UPDATE head SET epoch = 1");
    let at = |database: &str, options: &str| {
        format!("postgres://postgres@{HOST}:{}/{database}?sslmode={options}", server.port())
    };
    let options = format!("verify-full&sslrootcert={}", certificate.display());
    let folder = folder.join("tls");
    std::fs::create_dir_all(&folder)?;
    let store = open(&Url::parse(&at(&name, &options), &folder)?)?.store;
    let beside = Beside { store: &store, bare: at(&other, "require"), certificate };
    beside.batches(format!("PostgreSQL over TLS, batches of {ENCRYPTED}"), &mut 0, ENCRYPTED, scale)
}

/// Batches beside the bare loop, also over TLS; single changes with and without a second machine.
pub fn postgres(scale: Scale) -> Outcome<Vec<Row>> {
    let (primary, folder) = (Cluster::start(&[]), folder("postgres")?);
    let certificate = encrypt(&primary, &folder)?;
    let (name, other) = (primary.database(), primary.database());
    primary.sql(&other, TABLES);
    primary.sql(&other, "UPDATE head SET epoch = 1");
    let store = open(&Url::parse(&primary.url(&name), &folder)?)?.store;
    let (mut last, mut rows) = (0, Vec::new());
    let plain = Beside { store: &store, bare: primary.url(&other), certificate: &certificate };
    for batch in BATCHES {
        rows.push(plain.batches(format!("PostgreSQL, batches of {batch}"), &mut last, batch, scale)?);
    }
    rows.push(over_tls(&primary, &folder, &certificate, scale)?);
    let singles = |store: &Store, last: &mut u64, what: &str| -> Outcome<Row> {
        let runs = (0..scale.runs).map(|_| commits(store, last, 1, scale.time * 2)).collect::<Outcome<Vec<_>>>()?;
        let medians: Vec<f64> = runs.iter().map(|took| percentile(took, 0.5)).collect();
        let p99 = percentile(&runs[median_run(&medians)], 0.99);
        Ok(Row::new(format!("  one change, {what}"), medians, "ms").more(format!("p99 {p99:.1} ms")))
    };
    rows.push(singles(&store, &mut last, "one machine")?);
    let _second = Cluster::standby(&primary, &[]);
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.sql("postgres", "SELECT pg_reload_conf()");
    let since = Instant::now();
    while primary.sql("postgres", "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != "1" {
        if since.elapsed() > Duration::from_secs(60) {
            return Err("the second server does not follow".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    rows.push(singles(&store, &mut last, "on the disk of a second server")?);
    Ok(rows)
}
