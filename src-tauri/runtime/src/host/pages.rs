//! The system's page cache, as far as one file is concerned: what a load costs depends on it.
#![cfg_attr(target_os = "linux", allow(unsafe_code))]

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Drops the file from the cache. Pages that another process has mapped stay; [`share`] tells.
#[cfg(target_os = "linux")]
pub(super) fn drop_from_cache(path: &Path) -> std::io::Result<()> {
    use std::os::fd::AsRawFd;
    let file = File::open(path)?;
    // Only pages that are on the disk can be dropped.
    file.sync_data()?;
    // SAFETY: the descriptor is open during the call, which touches no memory of this process.
    match unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) } {
        0 => Ok(()),
        errno => Err(std::io::Error::from_raw_os_error(errno)),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn drop_from_cache(_: &Path) -> std::io::Result<()> {
    Err(std::io::Error::new(
        std::io::ErrorKind::Unsupported,
        "files are dropped from the cache on Linux alone",
    ))
}

/// Reads the file once, so that it is in the cache as far as it fits there; no further when `go_on` says no, which it is
/// asked for every MiB.
pub fn bring_into_cache(path: &Path, go_on: &mut dyn FnMut() -> bool) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    while go_on() && file.read(&mut buffer)? > 0 {}
    Ok(())
}

/// The share of the file that is in the cache, 0 to 1; `None` where the system does not tell.
pub fn share(path: &Path) -> Option<f32> {
    #[cfg(target_os = "linux")]
    {
        let file = File::open(path).ok()?;
        // SAFETY: the map is not read through; its address and length are given to `mincore` alone.
        let map = unsafe { memmap2::Mmap::map(&file) }.ok()?;
        // SAFETY: the call takes a number and touches no memory.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
        let mut there = vec![0u8; map.len().div_ceil(page)];
        // SAFETY: the map begins on a page and is `map.len()` long; `there` has a byte for each of its pages.
        let answer = unsafe { libc::mincore(map.as_ptr() as *mut _, map.len(), there.as_mut_ptr()) };
        let counted = there.iter().filter(|&&byte| byte & 1 == 1).count();
        (answer == 0).then(|| counted as f32 / there.len().max(1) as f32)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        None
    }
}
