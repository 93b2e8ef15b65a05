//! macOS: Seatbelt. Everything is denied but reading the model, looking at the machine's facts, and signals to itself.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_int};
use std::path::Path;
use std::ptr;

unsafe extern "C" {
    // In libSystem. Marked as deprecated for years and still what every browser's sandbox stands on.
    fn sandbox_init(profile: *const c_char, flags: u64, error: *mut *mut c_char) -> c_int;
    fn sandbox_free_error(error: *mut c_char);
}

pub(super) fn enter(model: &Path, driver: bool, parts: &mut Vec<String>) {
    let Some(profile) = profile(model, driver) else { return };
    let mut error = ptr::null_mut();
    // SAFETY: `profile` is a C string and `error` a place for a pointer, both during the call; flag 0 says that the
    // profile is given as text.
    if unsafe { sandbox_init(profile.as_ptr(), 0, &raw mut error) } == 0 {
        let files = if driver { "the model and the system's" } else { "the model" };
        parts.push(format!("reads no file but {files}, no sockets, no new programs (Seatbelt)"));
    } else if !error.is_null() {
        // SAFETY: the call above has put this text there, and nobody else frees it.
        unsafe { sandbox_free_error(error) };
    }
}

/// What Metal asks of the system: the device itself, its libraries, and the service that compiles for it.
const DRIVER: &str = "(allow iokit-open)(allow mach-lookup)(allow file-read* (subpath \"/System\") \
    (subpath \"/Library\") (subpath \"/usr\") (subpath \"/private/var/db\"))(allow file-map-executable)";

fn profile(model: &Path, driver: bool) -> Option<CString> {
    // The rules compare with the path after all links are followed. One that is not there may not be read either.
    let reads = match std::fs::canonicalize(model) {
        Ok(path) => {
            let path = path.to_str()?.replace('\\', "\\\\").replace('"', "\\\"");
            format!("(allow file-read* (literal \"{path}\"))")
        }
        Err(_) => String::new(),
    };
    let driver = if driver { DRIVER } else { "" };
    let always = "(version 1)(deny default)(allow sysctl-read)(allow signal (target self))";
    CString::new(format!("{always}{reads}{driver}")).ok()
}
