//! What a process takes, measured: memory and processor time.

/// Resident memory of a process now; `None` when there is no such process.
pub fn resident_bytes(pid: u32) -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        status_field(pid, "VmRSS:")
    }
    #[cfg(not(target_os = "linux"))]
    {
        of_system(pid, |process| process.memory())
    }
}

/// The most resident memory that the process has had: what the system kept on Linux, the value now elsewhere (the
/// parent keeps the highest that it has seen).
pub(super) fn peak_bytes(pid: u32) -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        status_field(pid, "VmHWM:")
    }
    #[cfg(not(target_os = "linux"))]
    {
        of_system(pid, |process| process.memory())
    }
}

/// Processor time that the process has used.
pub(super) fn cpu_ms(pid: u32) -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field, the name, may have spaces; 14 and 15 are user and system time in ticks of 10 ms.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let mut ticks = || fields.next()?.parse::<u64>().ok();
        Some(10 * (ticks()? + ticks()?))
    }
    #[cfg(not(target_os = "linux"))]
    {
        of_system(pid, |process| process.accumulated_cpu_time())
    }
}

/// A field of /proc/PID/status in bytes. A process that has ended and was not waited for has no such field.
#[cfg(target_os = "linux")]
fn status_field(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(not(target_os = "linux"))]
fn of_system(pid: u32, read: impl FnOnce(&sysinfo::Process) -> u64) -> Option<u64> {
    use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
    let pid = Pid::from_u32(pid);
    let mut system = System::new().ok()?;
    let what = ProcessRefreshKind::nothing().with_memory().with_cpu();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
    system.process(pid).map(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_touched_is_seen() {
        const ALONE: &str = "LECTERN_TEST_ALONE";
        if std::env::var_os(ALONE).is_none() {
            // The other tests of this process take and give back memory at the same time: in one of its own it is still.
            let me = std::env::current_exe().expect("a test has a file");
            let name = "host::memory::tests::memory_that_is_touched_is_seen";
            let run = std::process::Command::new(me).args([name, "--exact"]).env(ALONE, "1").output();
            let run = run.expect("the test starts itself");
            let said = String::from_utf8_lossy(&run.stdout);
            assert!(run.status.success() && said.contains("1 passed"), "{said}");
            return;
        }
        let pid = std::process::id();
        let before = resident_bytes(pid).expect("this process is there");
        let block = vec![1u8; 64 << 20];
        let after = resident_bytes(pid).expect("this process is there");
        assert!(block.iter().step_by(4096).all(|&byte| byte == 1));
        assert!(after > before + (32 << 20), "{before} then {after}");
        assert!(peak_bytes(pid).is_some_and(|peak| peak >= after));
    }
}
