//! Level: which kernels this process computes with. The one place where that is decided.
//!
//! The best that the machine has and whose [`super::trial`] holds, unless [`VARIABLE`] names another one, for measuring
//! and for comparing.

use std::sync::OnceLock;

use super::trial;

/// The environment variable that names a level.
pub const VARIABLE: &str = "LECTERN_KERNELS";

/// What kernels ask of a machine, each more than the one before it on its kind of machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing.
    Plain,
    /// x86-64 with AVX2, FMA and F16C.
    Avx2,
    /// The same with AVX-512 F, BW, VL and VNNI.
    Avx512,
    /// ARM64 with dot products of bytes.
    Neon,
    /// The same with matrix products of bytes.
    I8mm,
}

/// What this process computes with.
#[derive(Clone, Debug)]
pub struct Choice {
    pub level: Level,
    /// Why it is not a better one that the machine has.
    pub refused: Option<LevelError>,
}

/// A level that is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    #[error("{VARIABLE}={named} is no kind of kernels that this machine has; it has {has}")]
    Absent { named: String, has: String },
    #[error(
        "the {level} kernels are not used: on this machine their products of {dtype} are not the plain ones"
    )]
    Differs { level: &'static str, dtype: &'static str },
}

impl Level {
    pub const ALL: [Level; 5] = [Level::Plain, Level::Avx2, Level::Avx512, Level::Neon, Level::I8mm];

    pub fn name(self) -> &'static str {
        match self {
            Level::Plain => "plain",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
            Level::Neon => "neon",
            Level::I8mm => "i8mm",
        }
    }

    /// This machine can run it.
    pub fn here(self) -> bool {
        match self {
            Level::Plain => true,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => super::avx2::here(),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => {
                Level::Avx2.here()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(target_arch = "aarch64")]
            Level::Neon => std::arch::is_aarch64_feature_detected!("dotprod"),
            #[cfg(target_arch = "aarch64")]
            Level::I8mm => Level::Neon.here() && std::arch::is_aarch64_feature_detected!("i8mm"),
            _ => false,
        }
    }

    /// The levels of this machine, plainest first.
    pub fn all_here() -> impl DoubleEndedIterator<Item = Level> {
        Level::ALL.into_iter().filter(|level| level.here())
    }

    /// Floats are computed with the registers of AVX2.
    #[cfg(target_arch = "x86_64")]
    pub fn has_avx2(self) -> bool {
        matches!(self, Level::Avx2 | Level::Avx512)
    }

    /// Rows that its products take at a time.
    pub fn rows(self) -> usize {
        if self == Level::Avx512 { 32 } else { 16 }
    }

    /// Products are right, as far as a few can say. AVX2 and plain code run on the machines that this is built on.
    fn tried(self) -> Result<Level, LevelError> {
        let differs = match self {
            Level::Plain | Level::Avx2 => None,
            _ => trial::differs(|packed, x, rows, out| packed.multiply_at(self, x, rows, out)),
        };
        match differs {
            None => Ok(self),
            Some(dtype) => Err(LevelError::Differs { level: self.name(), dtype: dtype.name() }),
        }
    }

    fn best() -> Choice {
        let mut choice = Choice { level: Level::Plain, refused: None };
        for level in Level::all_here().rev() {
            match level.tried() {
                Ok(level) => return Choice { level, ..choice },
                Err(error) => choice.refused = choice.refused.or(Some(error)),
            }
        }
        choice
    }

    fn named(name: &str) -> Result<Level, LevelError> {
        let level = Level::all_here().find(|level| level.name() == name);
        level.ok_or_else(|| LevelError::Absent {
            named: name.into(),
            has: Level::all_here().map(Level::name).collect::<Vec<_>>().join(", "),
        })
    }
}

/// What this process computes with, decided once; an error when its environment names a level that cannot be used.
#[inline]
pub fn choice() -> &'static Result<Choice, LevelError> {
    static CHOICE: OnceLock<Result<Choice, LevelError>> = OnceLock::new();
    CHOICE.get_or_init(|| match std::env::var_os(VARIABLE) {
        Some(name) if !name.is_empty() => {
            let level = Level::named(&name.to_string_lossy())?.tried()?;
            Ok(Choice { level, refused: None })
        }
        _ => Ok(Level::best()),
    })
}

/// The level of this process; the plain one where [`choice`] is an error.
#[inline]
pub fn level() -> Level {
    choice().as_ref().map_or(Level::Plain, |choice| choice.level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_levels_of_this_machine_can_be_named() {
        for level in Level::ALL {
            match Level::named(level.name()) {
                Ok(named) => assert!(named == level && level.here()),
                Err(error) => assert!(!level.here() && error.to_string().contains("plain"), "{error}"),
            }
        }
        let error = Level::named("avx3").expect_err("there is none").to_string();
        assert!(error.starts_with("LECTERN_KERNELS=avx3 is no kind of kernels"), "{error}");
    }

    #[test]
    fn the_best_level_is_used_unless_another_is_named() {
        // Whoever runs the tests with the variable wants that level and no other.
        let named = std::env::var(VARIABLE).ok().filter(|name| !name.is_empty());
        let best = Level::all_here().last().map(Level::name);
        let choice = choice().as_ref().expect("a level that can be used");
        assert_eq!(Some(choice.level.name()), named.as_deref().or(best));
        assert_eq!(choice.refused, None);
    }
}
