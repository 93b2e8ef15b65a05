//! Builds and starts the project's own programs. Always with `--workspace`, because a selection of one package
//! unifies features in another way and would build a hundred crates twice.

use crate::{Outcome, root};
use std::path::PathBuf;
use std::process::Command;

pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // What cargo tells this program about its own package would make crates look changed whose builds ask for it: `ring`.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name.as_ref());
        }
    }
    command
}

/// Builds the program `name` and runs it in the caller's folder with `arguments`; its failure is ours.
pub fn run_bin(name: &str, arguments: &[String]) -> Outcome {
    finish(cargo().args(["build", "--workspace", "--bin", name]), "the build")?;
    let program = target_dir()?.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let status = Command::new(&program)
        .args(arguments)
        .status()
        .map_err(|error| format!("{} does not start: {error}", program.display()))?;
    // The program has said already what went wrong: its status is passed on and nothing is added.
    if !status.success() {
        std::process::exit(status.code().unwrap_or(1));
    }
    Ok(())
}

/// Rewrites `ui/src/api/bindings.ts`: the test that compares it writes it when it is asked to.
pub fn write_bindings() -> Outcome {
    // Types alone are needed, yet the shell builds only where WebKit is.
    crate::machine::prepare(crate::machine::Purpose::Window)?;
    finish(
        cargo().env("LECTERN_WRITE_BINDINGS", "1").args(["test", "--workspace", "--lib", "bindings"]),
        "writing the bindings",
    )
}

/// Where cargo puts what it builds: this very program lies in `<target>/debug`, however that was configured.
pub fn target_dir() -> Outcome<PathBuf> {
    let own =
        std::env::current_exe().map_err(|error| format!("cannot tell where xtask itself is: {error}"))?;
    own.parent()
        .and_then(|debug| debug.parent())
        .map(PathBuf::from)
        .ok_or_else(|| format!("{} is not in a target folder", own.display()))
}

/// Runs to the end; anything but success is an error that names `what`.
pub fn finish(command: &mut Command, what: &str) -> Outcome {
    let status = command.status().map_err(|error| format!("{what} does not start ({command:?}): {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed ({status})")) }
}
