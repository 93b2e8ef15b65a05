//! Linux: Landlock for files, seccomp for system calls, and death with the parent.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

pub(super) fn enter(model: &Path, driver: bool, parts: &mut Vec<String>) {
    // SAFETY: this option takes a signal number and touches no memory.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } == 0 {
        parts.push("ends with its parent".into());
    }
    let files_hold = files_hold(model, driver);
    if files_hold {
        let which = if driver { "the model, the system's and the driver's" } else { "the model" };
        parts.push(format!("reads no file but {which} (Landlock)"));
    }
    if driver {
        if forbidden_calls().is_ok() {
            parts.push("no network, no new programs (seccomp)".into());
        }
    } else if calls(files_hold).is_ok() {
        if !files_hold {
            parts.push("opens no file (seccomp)".into());
        }
        parts.push("no sockets, no new programs, no new code (seccomp)".into());
    }
}

/// Landlock keeps files away, wholly or as far as this kernel can.
fn files_hold(model: &Path, driver: bool) -> bool {
    matches!(files(model, driver), Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced))
}

/// Nothing of the file system but reading the model; no TCP, and no signals to processes outside, where the kernel can.
/// With a `driver`, also reading what the system is made of, and using devices.
fn files(model: &Path, driver: bool) -> Result<RulesetStatus, Box<dyn std::error::Error>> {
    let abi = ABI::V6;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?;
    // A file that cannot be opened is not allowed either; the reader says why it cannot.
    if let Ok(file) = PathFd::new(model) {
        rules = rules.add_rule(PathBeneath::new(file, AccessFs::ReadFile))?;
    }
    let read = AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::Execute;
    let kinds = [(SYSTEM, read), (DEVICES, read | AccessFs::WriteFile | AccessFs::IoctlDev)];
    for (places, access) in kinds.into_iter().filter(|_| driver) {
        for place in places.iter().filter_map(|place| PathFd::new(place).ok()) {
            rules = rules.add_rule(PathBeneath::new(place, access))?;
        }
    }
    Ok(rules.restrict_self()?.ruleset)
}

/// Where the driver of a graphics processor has its libraries and looks at the machine. Landlock keeps what other
/// processes have in /proc from it.
const SYSTEM: &[&str] = &["/usr", "/lib", "/lib64", "/opt", "/etc/ld.so.cache", "/proc", "/sys"];
/// Devices themselves, and memory shared with them.
const DEVICES: &[&str] = &["/dev"];

/// What no driver needs: the network, programs, other processes, and what changes the system. Which calls a driver makes
/// besides is its own affair and changes with its versions, so that they cannot be listed as [`NEEDED`] are.
const FORBIDDEN: &[libc::c_long] = &[
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kill,
    libc::SYS_io_uring_setup,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setrlimit,
];

/// For a process with a driver in it: what is forbidden fails with "not permitted".
fn forbidden_calls() -> Result<(), Box<dyn std::error::Error>> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let rules = FORBIDDEN.iter().map(|&call| (call, Vec::new())).collect();
    let filter: BpfProgram =
        SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32), arch)?
            .try_into()?;
    seccompiler::apply_filter(&filter)?;
    Ok(())
}

/// What computing, threads, pipes and a mapped file need. Every other call fails with "not permitted", those that do
/// not exist yet among them: no sockets, programs, other processes, limits, mounts, names, owners or modes of files.
const NEEDED: &[libc::c_long] = &[
    // Memory.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_mincore,
    libc::SYS_mlock,
    libc::SYS_munlock,
    libc::SYS_msync,
    // Threads. `clone` and `tgkill` have rules of their own; libc falls back from `clone3` (see below).
    libc::SYS_clone3,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    // Signals to itself: a panic, an abort, a broken page.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // Time, chance, and what the machine is.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_getrlimit,
    libc::SYS_uname,
    libc::SYS_sysinfo,
    // The pipes, and the file that is open.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_ppoll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    libc::SYS_fadvise64,
    libc::SYS_readahead,
    // They tell that a file exists and how large it is, and nothing that is in it. Opening a file comes with a look.
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
];

/// `PR_SET_VMA`, by which glibc's allocator names its memory; not in every libc crate.
const NAME_MEMORY: u64 = 0x5356_4d41;

/// `files_hold`: Landlock watches which file is opened; where it does not, none may be.
fn calls(files_hold: bool) -> Result<(), Box<dyn std::error::Error>> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let when = |argument: u8, operation, value: u64| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Qword, operation, value)
    };
    let is = |argument: u8, value: u64| when(argument, SeccompCmpOp::Eq, value);
    let all = |conditions: Vec<SeccompCondition>| SeccompRule::new(conditions);
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = NEEDED.iter().map(|&call| (call, Vec::new())).collect();
    if files_hold {
        rules.insert(libc::SYS_openat, Vec::new());
    }
    // A new thread, in contrast to a new process.
    let thread = libc::CLONE_THREAD as u64;
    rules.insert(libc::SYS_clone, vec![all(vec![when(0, SeccompCmpOp::MaskedEq(thread), thread)?])?]);
    // Memory that is code is what a broken-into process makes first.
    let not_code = SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64);
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![all(vec![when(2, not_code.clone(), 0)?])?]);
    }
    // Signals to itself.
    rules.insert(libc::SYS_tgkill, vec![all(vec![is(0, std::process::id().into())?])?]);
    // Its own limits, to look at.
    rules.insert(libc::SYS_prlimit64, vec![all(vec![is(0, 0)?, is(2, 0)?])?]);
    // Its own processors.
    rules.insert(libc::SYS_sched_setaffinity, vec![all(vec![is(0, 0)?])?]);
    // Names of threads and of memory; nothing that undoes what is done here.
    let names = [libc::PR_SET_NAME as u64, libc::PR_GET_NAME as u64, NAME_MEMORY];
    let names = names.into_iter().map(|name| all(vec![is(0, name)?])).collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_prctl, names);
    // A file twice in this process; not who gets its signals.
    let kept = [libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_DUPFD_CLOEXEC];
    let kept = kept.into_iter().map(|what| all(vec![is(1, what as u64)?])).collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_fcntl, kept);

    let filter = |rules, others, these| -> Result<BpfProgram, Box<dyn std::error::Error>> {
        Ok(SeccompFilter::new(rules, others, these, arch)?.try_into()?)
    };
    let refuse = |errno: i32| SeccompAction::Errno(errno as u32);
    // The flags of clone3 are in memory, where a filter cannot look; "no such call" makes libc use clone.
    let newer = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let newer = filter(newer, SeccompAction::Allow, refuse(libc::ENOSYS))?;
    let needed = filter(rules, refuse(libc::EPERM), SeccompAction::Allow)?;
    seccompiler::apply_filter(&newer)?;
    seccompiler::apply_filter(&needed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    /// In a thread of its own, because both walls hold for the thread that builds them: `walls` builds them (is there
    /// Landlock?) and tries what is its own about them; what no process may do, and what each needs, is tried after it.
    fn behind(walls: impl FnOnce(&Path) -> bool + Send + 'static) {
        let folder = tempfile::tempdir().unwrap();
        let (model, other) = (folder.path().join("model"), folder.path().join("other"));
        std::fs::write(&model, "weights").unwrap();
        std::fs::write(&other, "diary").unwrap();
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let tried = std::thread::spawn(move || {
            let files_hold = walls(&model);
            if files_hold {
                assert_eq!(std::fs::read_to_string(&model).unwrap(), "weights");
                assert_eq!(std::fs::read(&other).unwrap_err().kind(), ErrorKind::PermissionDenied);
                assert!(std::fs::write(&other, "x").is_err() && std::fs::remove_file(&other).is_err());
            }
            assert!(std::net::TcpStream::connect(address).is_err(), "no network");
            assert!(std::net::UdpSocket::bind("127.0.0.1:0").is_err(), "no network");
            assert!(std::process::Command::new("/bin/true").spawn().is_err(), "no programs");
            // Threads and memory are what an expert needs.
            std::thread::spawn(|| vec![1u8; 1 << 20].len()).join().unwrap()
        });
        assert_eq!(tried.join().unwrap(), 1 << 20);
    }

    #[test]
    fn a_thread_with_a_driver_has_no_network_no_programs_and_no_files_of_the_user() {
        // A home lies outside of what a driver reads; the folder for temporary files does, too.
        behind(|model| {
            let files_hold = files_hold(model, true);
            forbidden_calls().expect("this kernel has seccomp");
            assert_eq!(std::fs::read_to_string(model).unwrap(), "weights");
            // What a driver does.
            assert!(std::fs::read("/proc/self/maps").is_ok() && std::fs::read_dir("/sys").is_ok());
            assert!(std::fs::OpenOptions::new().read(true).write(true).open("/dev/null").is_ok());
            files_hold
        });
    }

    #[test]
    fn a_sandboxed_thread_reads_its_model_and_nothing_else() {
        behind(|model| {
            let files_hold = files_hold(model, false);
            calls(files_hold).expect("this kernel has seccomp");
            if !files_hold {
                assert!(std::fs::read(model).is_err(), "without Landlock no file is opened at all");
            }
            files_hold
        });
    }
}
