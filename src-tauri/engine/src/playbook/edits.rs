//! Edits: a bullet is added, reworded, merged or retired, one at a time; each is a row of the log and can be undone.

use super::{Bullet, BulletKind, LONGEST, Playbook, PlaybookError, State, find, reading, writing};
use crate::archive::meaning::Meant;
use crate::archive::{Archive, ArchiveError, database, now_ms};
use crate::words::Origin;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A bullet that is to be added.
#[derive(Clone, Debug, PartialEq)]
pub struct NewBullet<'a> {
    pub domain: &'a str,
    pub text: &'a str,
    pub origin: Origin,
    /// The answers that it comes from.
    pub sources: &'a [&'a str],
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct Added {
    #[ts(type = "number")]
    pub id: i64,
    /// A bullet that says the same was there: they count as one.
    #[ts(type = "number | null")]
    pub merged_into: Option<i64>,
}

/// What can be reworded; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, TS)]
#[serde(default)]
pub struct Rewording {
    pub text: Option<String>,
    pub domain: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum EditKind {
    Add,
    Edit,
    Merge,
    Retire,
}

impl EditKind {
    fn name(self) -> &'static str {
        match self {
            EditKind::Add => "add",
            EditKind::Edit => "edit",
            EditKind::Merge => "merge",
            EditKind::Retire => "retire",
        }
    }
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Edited {
    #[ts(type = "number")]
    pub number: i64,
    #[ts(type = "number")]
    pub bullet: i64,
    pub edit: EditKind,
    /// What it said before, and says now.
    pub before: Option<String>,
    pub now: String,
    #[ts(type = "number")]
    pub created: i64,
    pub undone: bool,
}

/// What an edit may change, as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Before {
    domain: String,
    text: String,
    retired: Option<i64>,
    merged_into: Option<i64>,
}

impl Playbook {
    /// Adds a bullet; one that says the same as another of its domain is merged into that.
    pub fn add(&self, archive: &Archive, new: &NewBullet<'_>) -> Result<Added, PlaybookError> {
        let text = rule(new.text)?;
        let (meant, _) = archive.meant(&text)?;
        let mut state = self.state();
        let same = state.same(new.domain, &text, meant.as_ref())?;
        let State { database, .. } = &*state;
        let write = || -> rusqlite::Result<Added> {
            let step = database.unchecked_transaction()?;
            step.execute(
                "INSERT INTO playbook (kind, domain, text, origin, created) VALUES ('bullet', ?1, ?2, ?3, ?4)",
                params![new.domain.trim(), text, new.origin.name(), now_ms()],
            )?;
            let id = step.last_insert_rowid();
            for source in new.sources {
                step.execute(
                    "INSERT OR IGNORE INTO playbook_sources (bullet, turn) SELECT ?1, id FROM turns WHERE id = ?2",
                    params![id, source],
                )?;
            }
            note(&step, id, EditKind::Add, None)?;
            if let Some(into) = same {
                change(&step, id, EditKind::Merge, |row| row.merged_into = Some(into))?;
            }
            step.commit()?;
            Ok(Added { id, merged_into: same })
        };
        Ok(write().map_err(writing)?)
    }

    /// What a pack tells of its domain; what it told before, whatever became of it since, is not told again.
    pub fn add_pack(&self, archive: &Archive, domain: &str, texts: &[String]) -> Result<(), PlaybookError> {
        for text in texts {
            let told = rule(text)?;
            if !self.list()?.iter().any(|bullet| is_of_pack(bullet, domain) && bullet.text == told) {
                self.add(archive, &NewBullet { domain, text, origin: Origin::Pack, sources: &[] })?;
            }
        }
        Ok(())
    }

    /// Takes out what a pack told; what was reworded, moved or retired since is the user's, and stays.
    pub fn remove_pack(&self, domain: &str, texts: &[String]) -> Result<(), PlaybookError> {
        let texts: Vec<String> = texts.iter().filter_map(|text| rule(text).ok()).collect();
        let mut state = self.state();
        let all = state.all()?;
        let untouched = |bullet: &&Bullet| {
            is_of_pack(bullet, domain) && bullet.retired.is_none() && texts.contains(&bullet.text)
        };
        let write = || -> rusqlite::Result<()> {
            let step = state.database.unchecked_transaction()?;
            for bullet in all.iter().filter(untouched) {
                step.execute("DELETE FROM playbook WHERE id = ?1", [bullet.id])?;
            }
            step.commit()
        };
        write().map_err(writing)?;
        // As where an edit is undone.
        let _ = database::empty_log(&state.database);
        Ok(())
    }

    pub fn edit(&self, id: i64, to: &Rewording) -> Result<(), PlaybookError> {
        let text = to.text.as_deref().map(rule).transpose()?;
        let domain = to.domain.as_deref().map(str::trim).filter(|domain| !domain.is_empty());
        self.of_bullet(id, |step, _| {
            change(step, id, EditKind::Edit, |row| {
                row.text = text.clone().unwrap_or_else(|| row.text.clone());
                row.domain = domain.map_or_else(|| row.domain.clone(), str::to_owned);
            })
        })
    }

    /// Bullet `id` is used no more.
    pub fn retire(&self, id: i64) -> Result<(), PlaybookError> {
        self.of_bullet(id, |step, _| change(step, id, EditKind::Retire, |row| row.retired = Some(now_ms())))
    }

    /// What `id` says, `into` says as well and counts for both; with `text`, in these words, which then come from the
    /// answers of both.
    pub fn merge(&self, id: i64, into: i64, text: Option<&str>) -> Result<(), PlaybookError> {
        let text = text.map(rule).transpose()?;
        let all = self.list()?;
        let target = all.iter().find(|bullet| bullet.id == into).ok_or(PlaybookError::Unknown(into))?;
        if id == into || !target.is_in_use() {
            return Err(PlaybookError::Circle(id, into));
        }
        if target.kind != BulletKind::Bullet {
            return Err(PlaybookError::NotABullet(into));
        }
        self.of_bullet(id, |step, _| {
            change(step, id, EditKind::Merge, |row| row.merged_into = Some(into))?;
            let Some(text) = &text else { return Ok(()) };
            change(step, into, EditKind::Edit, |row| row.text.clone_from(text))?;
            step.execute(
                "INSERT OR IGNORE INTO playbook_sources (bullet, turn) SELECT ?2, turn FROM playbook_sources WHERE bullet = ?1",
                [id, into],
            )?;
            Ok(())
        })
    }

    /// The edits, the newest first.
    pub fn log(&self) -> Result<Vec<Edited>, ArchiveError> {
        let state = self.state();
        let read = || -> rusqlite::Result<Vec<Edited>> {
            state
                .database
                .prepare_cached(
                    "SELECT number, bullet, edit, before, text, playbook_log.created, undone FROM playbook_log
                     JOIN playbook ON playbook.id = bullet ORDER BY number DESC",
                )?
                .query_map([], |row| {
                    let (edit, before): (String, Option<String>) = (row.get(2)?, row.get(3)?);
                    let before = before.and_then(|text| serde_json::from_str::<Before>(&text).ok());
                    Ok(Edited {
                        number: row.get(0)?,
                        bullet: row.get(1)?,
                        edit: match edit.as_str() {
                            "add" => EditKind::Add,
                            "merge" => EditKind::Merge,
                            "retire" => EditKind::Retire,
                            _ => EditKind::Edit,
                        },
                        before: before.map(|before| before.text),
                        now: row.get(4)?,
                        created: row.get(5)?,
                        undone: row.get(6)?,
                    })
                })?
                .collect()
        };
        read().map_err(reading)
    }

    /// Undoes an edit, or the newest. A bullet whose adding is undone is gone.
    pub fn undo(&self, number: Option<i64>) -> Result<i64, PlaybookError> {
        let state = self.state();
        let newest =
            "SELECT number, bullet, before FROM playbook_log WHERE NOT undone AND (?1 IS NULL OR number = ?1)
                      ORDER BY number DESC LIMIT 1";
        type Row = (i64, i64, Option<String>);
        let found: Option<Row> = state
            .database
            .query_row(newest, [number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()
            .map_err(reading)?;
        let (number, bullet, before) = found.ok_or(match number {
            Some(number) => PlaybookError::NoEdit(number),
            None => PlaybookError::NothingToUndo,
        })?;
        let newer: Option<i64> = state
            .database
            .query_row(
                "SELECT number FROM playbook_log WHERE NOT undone AND bullet = ?1 AND number > ?2 ORDER BY number DESC LIMIT 1",
                [bullet, number],
                |row| row.get(0),
            )
            .optional()
            .map_err(reading)?;
        if let Some(newer) = newer {
            return Err(PlaybookError::Overtaken(number, newer));
        }
        let before = before.and_then(|before| serde_json::from_str::<Before>(&before).ok());
        let is_gone = before.is_none();
        let write = || -> rusqlite::Result<()> {
            let step = state.database.unchecked_transaction()?;
            match before {
                None => {
                    step.execute("DELETE FROM playbook WHERE id = ?1", [bullet])?;
                }
                Some(before) => {
                    put(&step, bullet, &before)?;
                    step.execute("UPDATE playbook_log SET undone = 1 WHERE number = ?1", [number])?;
                }
            }
            step.commit()
        };
        write().map_err(writing)?;
        if is_gone {
            // Its words leave the log of the database too; a reader elsewhere may keep them until the next change.
            let _ = database::empty_log(&state.database);
        }
        Ok(number)
    }

    fn of_bullet(
        &self,
        id: i64,
        write: impl FnOnce(&Connection, &Bullet) -> rusqlite::Result<()>,
    ) -> Result<(), PlaybookError> {
        let mut state = self.state();
        let all = state.all()?;
        let bullet = all.iter().find(|bullet| bullet.id == id).ok_or(PlaybookError::Unknown(id))?;
        if bullet.kind != BulletKind::Bullet {
            return Err(PlaybookError::NotABullet(id));
        }
        let write = || -> rusqlite::Result<()> {
            let step = state.database.unchecked_transaction()?;
            write(&step, bullet)?;
            step.commit()
        };
        Ok(write().map_err(writing)?)
    }
}

impl State {
    /// A bullet in use that says what `text` says.
    fn same(&mut self, domain: &str, text: &str, meant: Option<&Meant>) -> Result<Option<i64>, ArchiveError> {
        let all = self.all()?;
        let of_domain = |bullet: &&Bullet| {
            bullet.kind == BulletKind::Bullet && bullet.is_in_use() && bullet.domain == domain.trim()
        };
        Ok(find::same(&mut self.known, all.iter().filter(of_domain), text, meant).map(|bullet| bullet.id))
    }
}

fn is_of_pack(bullet: &Bullet, domain: &str) -> bool {
    bullet.kind == BulletKind::Bullet && bullet.origin == Origin::Pack && bullet.domain == domain.trim()
}

/// One rule on one line.
pub(crate) fn rule(text: &str) -> Result<String, PlaybookError> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.chars().count() {
        0 => Err(PlaybookError::Empty),
        length if length > LONGEST => Err(PlaybookError::Long(length)),
        _ => Ok(text),
    }
}

fn change(
    step: &Connection,
    id: i64,
    edit: EditKind,
    with: impl FnOnce(&mut Before),
) -> rusqlite::Result<()> {
    let sql = "SELECT domain, text, retired, merged_into FROM playbook WHERE id = ?1";
    let before = step.query_row(sql, [id], |row| {
        Ok(Before { domain: row.get(0)?, text: row.get(1)?, retired: row.get(2)?, merged_into: row.get(3)? })
    })?;
    let mut after = before.clone();
    with(&mut after);
    put(step, id, &after)?;
    note(step, id, edit, Some(&before))
}

fn put(step: &Connection, id: i64, row: &Before) -> rusqlite::Result<()> {
    let Before { domain, text, retired, merged_into } = row;
    step.execute(
        // What it was merged into may be forgotten since.
        "UPDATE playbook SET domain = ?2, text = ?3, retired = ?4, merged_into = (SELECT id FROM playbook WHERE id = ?5)
         WHERE id = ?1",
        params![id, domain, text, retired, merged_into],
    )?;
    Ok(())
}

fn note(step: &Connection, id: i64, edit: EditKind, before: Option<&Before>) -> rusqlite::Result<()> {
    let before = before.and_then(|before| serde_json::to_string(before).ok());
    step.execute(
        "INSERT INTO playbook_log (bullet, edit, before, created) VALUES (?1, ?2, ?3, ?4)",
        params![id, edit.name(), before, now_ms()],
    )?;
    Ok(())
}
