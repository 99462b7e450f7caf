//! That every table's retention is said.

use std::{collections::BTreeSet, time::Duration};

use zmart::journal::{DatabaseSettings, migrate};
use zmart_testkit::postgres::Database;

#[tokio::test(flavor = "multi_thread")]
async fn the_manual_says_of_every_table_how_long_its_rows_stay() {
    let manual = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operating.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let (_, section) = manual.split_once("\n## What is kept, and how long\n").expect("the section");
    let section = section.split("\n## ").next().unwrap();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let said: Vec<(&str, &str)> = cells.collect();
    for (table, rest) in &said {
        let told: Vec<&str> = rest.split('|').map(str::trim).collect();
        assert!(told.len() >= 2 && told[..2].iter().all(|cell| !cell.is_empty()), "{table}: how long, and why?");
    }
    let names: BTreeSet<String> = said.iter().map(|(table, _)| (*table).to_owned()).collect();
    assert_eq!(names.len(), said.len(), "a table is listed twice");
    let database = Database::fresh().await;
    let settings =
        DatabaseSettings { url: database.url.clone(), connect_timeout: Duration::from_secs(5), ca_file: None };
    migrate::run(&settings).await.unwrap();
    const TABLES: &str = "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition \
                          AND relnamespace = 'public'::regnamespace";
    let rows = database.connect().await.query(TABLES, &[]).await.unwrap();
    let tables: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(names, tables, "left: docs/operating.md; right: the schema");
}
