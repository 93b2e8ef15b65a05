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

pub(super) fn enter(model: &Path, parts: &mut Vec<String>) {
    // SAFETY: this option takes a signal number and touches no memory.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } == 0 {
        parts.push("ends with its parent".into());
    }
    match files(model) {
        Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced) => {
            parts.push("reads no file but the model (Landlock)".into());
        }
        Ok(RulesetStatus::NotEnforced) | Err(_) => {}
    }
    if calls().is_ok() {
        parts.push("no sockets and no new programs (seccomp)".into());
    }
}

/// Nothing of the file system but reading the model; no TCP, and no signals to processes outside, where the kernel can.
fn files(model: &Path) -> Result<RulesetStatus, Box<dyn std::error::Error>> {
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
    Ok(rules.restrict_self()?.ruleset)
}

/// Calls that fail with "not permitted": the network, other programs, other processes, and ways around this filter.
const FORBIDDEN: &[libc::c_long] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
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
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_memfd_create,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
];

fn calls() -> Result<(), Box<dyn std::error::Error>> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        FORBIDDEN.iter().map(|&call| (call, Vec::new())).collect();
    // A new process, in contrast to a new thread.
    let not_a_thread = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Qword,
        SeccompCmpOp::MaskedEq(libc::CLONE_THREAD as u64),
        0,
    )?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![not_a_thread])?]);
    let refuse = |rules, errno: i32| -> Result<BpfProgram, Box<dyn std::error::Error>> {
        let filter =
            SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno as u32), arch)?;
        Ok(filter.try_into()?)
    };
    // The flags of clone3 are in memory, where a filter cannot look; "no such call" makes libc use clone.
    let newer = refuse(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)?;
    let rest = refuse(rules, libc::EPERM)?;
    seccompiler::apply_filter(&newer)?;
    seccompiler::apply_filter(&rest)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    /// Both walls hold for the thread that builds them, so a thread of the test can try them out.
    #[test]
    fn a_sandboxed_thread_reads_its_model_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (model, other) = (folder.path().join("model"), folder.path().join("other"));
        std::fs::write(&model, "weights").unwrap();
        std::fs::write(&other, "diary").unwrap();
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let tried = std::thread::spawn(move || {
            let files_hold =
                matches!(files(&model), Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced));
            calls().expect("this kernel has seccomp");
            assert_eq!(std::fs::read_to_string(&model).unwrap(), "weights");
            if files_hold {
                assert_eq!(std::fs::read(&other).unwrap_err().kind(), ErrorKind::PermissionDenied);
                assert!(std::fs::write(&other, "x").is_err() && std::fs::remove_file(&other).is_err());
            } else {
                eprintln!("skipped: this kernel has no Landlock");
            }
            assert!(std::net::TcpStream::connect(address).is_err(), "no network");
            assert!(std::net::UdpSocket::bind("127.0.0.1:0").is_err(), "no network");
            assert!(std::process::Command::new("/bin/true").spawn().is_err(), "no programs");
            // Threads and memory are what an expert needs.
            std::thread::spawn(|| vec![1u8; 1 << 20].len()).join().unwrap()
        });
        assert_eq!(tried.join().unwrap(), 1 << 20);
    }
}
