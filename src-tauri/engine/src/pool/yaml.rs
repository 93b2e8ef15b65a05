//! YAML that people write: each value is looked at where it stands, so that what is wrong is said with line and column.

use super::PoolError;
use serde::{Deserializer, de};
use std::path::Path;

const MOST_BRACKETS: usize = 10_000;

/// One value, looked at where it stands: what is wrong with it is said with its own line and column.
pub(super) struct Look<F>(pub F);

pub(super) enum Scalar<'s> {
    Bool(bool),
    Number(f64),
    Text(&'s str),
}

impl<T, F: FnOnce(Scalar) -> Result<T, String>> de::Visitor<'_> for Look<F> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("one value")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<T, E> {
        self.0(Scalar::Bool(value)).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<T, E> {
        self.visit_f64(value as f64)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
        self.visit_f64(value as f64)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<T, E> {
        self.0(Scalar::Number(value)).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<T, E> {
        self.0(Scalar::Text(value)).map_err(E::custom)
    }
}

/// A whole number within bounds; beyond them `why` it cannot be.
pub(super) fn whole<'d, D: Deserializer<'d>>(
    from: D,
    most: u32,
    why: impl Fn(f64) -> String,
) -> Result<u32, D::Error> {
    from.deserialize_any(Look(|value: Scalar| match value {
        Scalar::Number(n) if n >= 1.0 && n <= f64::from(most) && n.fract() == 0.0 => Ok(n as u32),
        Scalar::Number(n) => Err(why(n)),
        _ => Err("it is a whole number".into()),
    }))
}

/// `file:line:column: what`, as editors follow it.
pub(super) fn bad(path: &Path, at: Option<(usize, usize)>, what: &str) -> PoolError {
    let place = at.map_or(String::new(), |(line, column)| format!(":{line}:{column}"));
    PoolError::BadPoolFile { place: format!("{}{place}", path.display()), what: what.into() }
}

/// What is wrong is said with line and column. `path` is for that.
pub(crate) fn of_yaml<T: de::DeserializeOwned>(text: &str, path: &Path) -> Result<T, PoolError> {
    // Brackets within brackets cost the parser the square of their number.
    let brackets = text.matches(['[', '{']).count();
    if brackets > MOST_BRACKETS {
        let what = format!("it has {brackets} brackets, and {MOST_BRACKETS} are the most");
        return Err(bad(path, None, &what));
    }
    yaml_serde::from_str(text).map_err(|error| {
        let at = error.location().map(|at| (at.line(), at.column()));
        let said = error.to_string();
        // The place is told once.
        let what = at.map(|(line, column)| said.replacen(&format!(" at line {line} column {column}"), "", 1));
        bad(path, at, &what.unwrap_or(said))
    })
}
