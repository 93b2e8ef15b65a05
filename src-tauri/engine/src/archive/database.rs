//! The SQLite file: opened, brought up to date, kept free of deleted text.

use super::ArchiveError;
use crate::home::Home;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use std::time::Duration;

/// Every step of the schema, in one file.
const SCHEMA: &str = include_str!("schema.sql");

/// How long a statement waits for another process of Lectern that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to the home's database, made or migrated as needed.
pub(crate) fn open(home: &Home) -> Result<Connection, ArchiveError> {
    let path = home.database();
    let connect = || -> rusqlite::Result<Connection> {
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // Whoever means to write waits for his turn before he reads: one who reads first and finds that another has
        // written meanwhile would be told that the database is locked.
        connection.set_transaction_behavior(TransactionBehavior::Immediate);
        // secure_delete: deleted text is overwritten, not left in free pages. FULL: an answer that was shown
        // survives a power cut. temp_store: no temporary file outside the home.
        connection.execute_batch(
            "PRAGMA secure_delete = ON;
             PRAGMA foreign_keys = ON;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA temp_store = MEMORY;",
        )?;
        migrate(&mut connection)?;
        Ok(connection)
    };
    let connection = connect().map_err(|source| match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            ArchiveError::Damaged { path: path.clone(), detail: source.to_string() }
        }
        _ => ArchiveError::Database { doing: "open the archive", source },
    })?;
    let found = version(&connection)
        .map_err(|source| ArchiveError::Database { doing: "read its version", source })?;
    let newest = steps().map(|(number, _)| number).max().unwrap_or(0);
    if found > newest {
        return Err(ArchiveError::Newer { path, found, newest });
    }
    Ok(connection)
}

/// Empties the write-ahead log into the database, so that text that was deleted is not left in it.
/// `false`: another process is reading and the log could not be emptied yet.
pub(crate) fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Runs the steps that this database has not seen. Two processes may open a new home at once: the version is
/// read again under the write lock.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    for (number, sql) in steps() {
        if version(connection)? >= number {
            continue;
        }
        let step = connection.transaction()?;
        if version(&step)? < number {
            step.execute_batch(sql)?;
            step.pragma_update(None, "user_version", number)?;
        }
        step.commit()?;
    }
    Ok(())
}

/// `(version, SQL)` of every step, in order.
fn steps() -> impl Iterator<Item = (u32, &'static str)> {
    SCHEMA.split("-- version ").skip(1).filter_map(|step| {
        let (number, sql) = step.split_once('\n')?;
        Some((number.trim().parse().ok()?, sql))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        home.prepare().unwrap();
        (folder, home)
    }

    #[test]
    fn steps_are_numbered_from_one_without_a_gap() {
        let numbers: Vec<u32> = steps().map(|(number, _)| number).collect();
        assert_eq!(numbers, (1..=numbers.len() as u32).collect::<Vec<_>>());
        assert!(!numbers.is_empty());
    }

    #[test]
    fn a_database_is_wal_overwrites_what_it_deletes_and_is_migrated_once() {
        let (_folder, home) = home();
        drop(open(&home).unwrap());
        let connection = open(&home).unwrap();
        let text = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(text("PRAGMA journal_mode"), "wal");
        assert_eq!(number("PRAGMA secure_delete"), 1);
        assert_eq!(number("PRAGMA foreign_keys"), 1);
        assert_eq!(number("SELECT count(*) FROM identity"), 1, "the step ran once over two openings");
    }

    #[test]
    fn a_database_of_a_newer_version_is_not_touched() {
        let (_folder, home) = home();
        open(&home).unwrap().pragma_update(None, "user_version", 999).unwrap();
        assert!(matches!(open(&home), Err(ArchiveError::Newer { found: 999, .. })));
    }

    #[test]
    fn a_file_that_is_no_database_is_named() {
        let (_folder, home) = home();
        std::fs::write(home.database(), vec![b'x'; 8192]).unwrap();
        match open(&home) {
            Err(ArchiveError::Damaged { path, .. }) => assert_eq!(path, home.database()),
            other => panic!("expected Damaged, got {other:?}"),
        }
    }
}
