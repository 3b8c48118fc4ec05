//! A PostgreSQL for tests, and databases in it. Also compiled into the tests of `src/store`, which need the same.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Where a PostgreSQL for tests is, one in which databases may be made; without it the tests start one of their own.
const POSTGRES_VARIABLE: &str = "OTTO_TEST_POSTGRES_URL";

/// A PostgreSQL that ends with this process: `tests/postgres.sh` waits for the end of its input.
fn server() -> &'static str {
    static SERVER: OnceLock<(String, Option<Child>)> = OnceLock::new();
    let start = || {
        if let Some(url) = std::env::var(POSTGRES_VARIABLE).ok().filter(|url| !url.is_empty()) {
            return (url, None);
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres.sh");
        let started = Command::new(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started.expect("tests/postgres.sh runs");
        let mut url = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut url).expect("a line");
        assert!(
            url.starts_with("postgres://"),
            "no PostgreSQL: these tests need one. Install it (apt-get install postgresql) or set {POSTGRES_VARIABLE} \
             to the address of one in which databases may be made; `make test` does that"
        );
        (url.trim().to_owned(), Some(child))
    };
    &SERVER.get_or_init(start).0
}

/// A database of a test's own, dropped with it.
pub(crate) struct Database {
    /// Its address.
    pub(crate) url: String,
    name: String,
}

impl Database {
    /// Makes an empty one.
    pub(crate) async fn create() -> Self {
        let admin = tokio::task::spawn_blocking(server).await.expect("a server");
        let name = format!("otto_test_{}", uuid::Uuid::now_v7().simple());
        let mut connection = PgConnection::connect(admin).await.expect("it answers");
        let sql = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(sql).execute(&mut connection).await.expect("a database");
        let mut url: url::Url = admin.parse().expect("an address");
        url.set_path(&name);
        Self { url: url.into(), name }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = self.name.clone();
        let drop_it = async move {
            let mut connection = PgConnection::connect(server()).await?;
            let sql = AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            sqlx::query(sql).execute(&mut connection).await
        };
        // A thread of its own: the test's runtime is on its way out.
        let work = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(drop_it))
        });
        let _ = work.join();
    }
}
