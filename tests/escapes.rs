//! Attempts to get out of an expert's process, each in a process of its own: first as it is, which shows that the attempt
//! works on this machine, then after the process has locked itself down, where it must fail.
//!
//! A program of its own, not tests among others: what is locked down is the whole process, from its main on.
#![allow(clippy::unwrap_used, clippy::print_stdout)]
#![cfg_attr(target_os = "linux", allow(unsafe_code))]

fn main() -> std::process::ExitCode {
    #[cfg(target_os = "linux")]
    {
        linux::main()
    }
    #[cfg(not(target_os = "linux"))]
    {
        println!("skipped: the attempts are those of Linux\ntest result: ok. 0 passed; 0 failed");
        std::process::ExitCode::SUCCESS
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::CString;
    use std::io::{Error, Result};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::PathBuf;
    use std::process::{Command, ExitCode, Stdio};
    use std::{fs, ptr};

    /// What an attempt may aim at.
    struct Aim {
        /// The expert's model; `diary` lies beside it.
        folder: PathBuf,
        port: u16,
        parent: i32,
    }

    impl Aim {
        fn model(&self) -> PathBuf {
            self.folder.join("model")
        }

        fn path(&self, name: &str) -> CString {
            CString::new(self.folder.join(name).to_str().unwrap()).unwrap()
        }
    }

    type Attempt = (&'static str, fn(&Aim) -> Result<()>);

    /// A system call's answer as a result.
    fn call(answer: i64) -> Result<()> {
        if answer < 0 { Err(Error::last_os_error()) } else { Ok(()) }
    }

    // SAFETY of every call below: its pointers are null or to values that live during the call, with their sizes.
    macro_rules! sys {
        ($number:expr $(, $argument:expr)*) => { call(unsafe { libc::syscall($number $(, $argument)*) }) };
    }

    const ATTEMPTS: &[Attempt] = &[
        ("read /etc/passwd", |_| fs::read("/etc/passwd").map(drop)),
        ("read the file beside the model", |aim| fs::read(aim.folder.join("diary")).map(drop)),
        ("list the model's folder", |aim| fs::read_dir(&aim.folder).map(drop)),
        ("open the model for writing", |aim| fs::OpenOptions::new().append(true).open(aim.model()).map(drop)),
        ("make a file beside the model", |aim| fs::write(aim.folder.join("new"), "x")),
        ("make a file in the temporary folder", |_| {
            fs::write(std::env::temp_dir().join(format!("escape-{}", std::process::id())), "")
        }),
        ("make a folder", |aim| fs::create_dir(aim.folder.join("made"))),
        ("truncate the model", |aim| sys!(libc::SYS_truncate, aim.path("model").as_ptr(), 3)),
        ("rename the model", |aim| fs::rename(aim.model(), aim.folder.join("moved"))),
        ("remove the model", |aim| fs::remove_file(aim.model())),
        ("make the model writable for all", |aim| {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(aim.model(), fs::Permissions::from_mode(0o666))
        }),
        ("change the model's times", |aim| {
            sys!(libc::SYS_utimensat, libc::AT_FDCWD, aim.path("model").as_ptr(), ptr::null::<u8>(), 0)
        }),
        ("link the model", |aim| fs::hard_link(aim.model(), aim.folder.join("linked"))),
        ("make a symbolic link", |aim| std::os::unix::fs::symlink("/etc", aim.folder.join("etc"))),
        ("open a file by its handle", |aim| {
            let mut handle = [0u32; 34];
            handle[0] = 128;
            let (mut mount, path) = (0i32, aim.path("diary"));
            let named = libc::SYS_name_to_handle_at;
            sys!(named, libc::AT_FDCWD, path.as_ptr(), handle.as_mut_ptr(), &raw mut mount, 0)?;
            let folder = fs::File::open(&aim.folder)?;
            let folder = std::os::fd::AsRawFd::as_raw_fd(&folder);
            sys!(libc::SYS_open_by_handle_at, folder, handle.as_mut_ptr(), libc::O_RDONLY)
        }),
        ("watch the model", |aim| {
            let watch = unsafe { libc::inotify_init1(0) };
            call(watch.into())?;
            sys!(libc::SYS_inotify_add_watch, watch, aim.path("model").as_ptr(), libc::IN_ACCESS)
        }),
        ("watch all files", |_| sys!(libc::SYS_fanotify_init, 0, 0)),
        ("connect by TCP", |aim| TcpStream::connect(("127.0.0.1", aim.port)).map(drop)),
        ("listen by TCP", |_| TcpListener::bind("127.0.0.1:0").map(drop)),
        ("send by UDP", |aim| {
            UdpSocket::bind("127.0.0.1:0")?.send_to(b"x", ("127.0.0.1", aim.port)).map(drop)
        }),
        ("connect to a socket in the folder", |aim| UnixStream::connect(aim.folder.join("socket")).map(drop)),
        ("connect to an abstract socket", |aim| {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(abstract_name(aim.parent))?;
            UnixStream::connect_addr(&address).map(drop)
        }),
        ("a pair of sockets", |_| UnixStream::pair().map(drop)),
        ("a netlink socket", |_| sys!(libc::SYS_socket, libc::AF_NETLINK, libc::SOCK_RAW, 0)),
        ("a raw socket", |_| sys!(libc::SYS_socket, libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP)),
        ("start a program", |_| Command::new("/bin/true").status().map(drop)),
        ("become a program", |_| {
            let (path, none) = (CString::new("/bin/true").unwrap(), ptr::null::<*const i8>());
            // When it succeeds the other program ends with status 0, which says so.
            sys!(libc::SYS_execve, path.as_ptr(), none, none)
        }),
        ("become a program that is in memory", |_| {
            let name = CString::new("x").unwrap();
            let memory = unsafe { libc::memfd_create(name.as_ptr(), 0) };
            call(memory.into())?;
            let program = fs::read("/bin/true")?;
            let mut file: fs::File = unsafe { std::os::fd::FromRawFd::from_raw_fd(memory) };
            std::io::Write::write_all(&mut file, &program)?;
            let (empty, none) = (CString::default(), ptr::null::<*const i8>());
            sys!(libc::SYS_execveat, memory, empty.as_ptr(), none, none, libc::AT_EMPTY_PATH)
        }),
        ("a second process", |_| {
            let child = unsafe { libc::fork() };
            if child == 0 {
                unsafe { libc::_exit(0) };
            }
            call(child.into())
        }),
        ("memory that is code", |_| {
            let (protection, kind) = (libc::PROT_READ | libc::PROT_EXEC, libc::MAP_PRIVATE | libc::MAP_ANON);
            let memory = unsafe { libc::mmap(ptr::null_mut(), 4096, protection, kind, -1, 0) };
            if memory == libc::MAP_FAILED { Err(Error::last_os_error()) } else { Ok(()) }
        }),
        ("a signal to the parent", |aim| sys!(libc::SYS_kill, aim.parent, 0)),
        ("a signal to the parent's group", |_| sys!(libc::SYS_kill, 0, 0)),
        ("a signal to the parent's thread", |aim| sys!(libc::SYS_tgkill, aim.parent, aim.parent, 0)),
        ("a signal to the parent by a handle", |aim| {
            let parent = unsafe { libc::syscall(libc::SYS_pidfd_open, aim.parent, 0) };
            call(parent)?;
            sys!(libc::SYS_pidfd_send_signal, parent, 0, 0, 0)
        }),
        ("the parent gets signals of a pipe", |aim| sys!(libc::SYS_fcntl, 0, libc::F_SETOWN, aim.parent)),
        ("trace the parent", |aim| sys!(libc::SYS_ptrace, libc::PTRACE_SEIZE, aim.parent, 0, 0)),
        ("read the parent's memory", |aim| {
            let mut byte = 0u8;
            let own = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
            // A place that is the same in the parent, the same program with the same base: any answer but a refusal will do.
            let their = libc::iovec { iov_base: 0x1000 as *mut _, iov_len: 1 };
            match sys!(libc::SYS_process_vm_readv, aim.parent, &raw const own, 1, &raw const their, 1, 0) {
                Err(error) if error.raw_os_error() == Some(libc::EFAULT) => Ok(()),
                other => other,
            }
        }),
        ("open the parent's memory", |aim| fs::File::open(format!("/proc/{}/mem", aim.parent)).map(drop)),
        ("read the parent's environment", |aim| fs::read(format!("/proc/{}/environ", aim.parent)).map(drop)),
        ("change the parent's limits", |aim| {
            let mut limit = [0u64; 2];
            sys!(libc::SYS_prlimit64, aim.parent, libc::RLIMIT_CORE, 0, limit.as_mut_ptr())?;
            sys!(libc::SYS_prlimit64, aim.parent, libc::RLIMIT_CORE, limit.as_ptr(), 0)
        }),
        ("change the parent's priority", |aim| {
            sys!(libc::SYS_setpriority, libc::PRIO_PROCESS, aim.parent, 0)
        }),
        ("raise its own memory limit", |_| {
            let all = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
            call(unsafe { libc::setrlimit(libc::RLIMIT_DATA, &raw const all) }.into())
        }),
        ("live on without the parent", |_| sys!(libc::SYS_prctl, libc::PR_SET_PDEATHSIG, 0, 0, 0, 0)),
        ("become another user", |_| sys!(libc::SYS_setresuid, 65_534, 65_534, 65_534)),
        ("mount a file system", |aim| {
            let (kind, folder) = (CString::new("tmpfs").unwrap(), aim.path("empty"));
            sys!(libc::SYS_mount, kind.as_ptr(), folder.as_ptr(), kind.as_ptr(), 0, 0)?;
            sys!(libc::SYS_umount2, folder.as_ptr(), libc::MNT_DETACH)
        }),
        ("another root", |aim| sys!(libc::SYS_chroot, aim.path("empty").as_ptr())),
        ("a user namespace", |_| sys!(libc::SYS_unshare, libc::CLONE_NEWUSER)),
        ("io_uring", |_| {
            let mut parameters = [0u8; 120];
            sys!(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr())
        }),
        ("bpf", |_| {
            // An array of one number: type 2, key and value of 4 bytes, 1 entry.
            let mut map = [0u32; 18];
            map[..4].copy_from_slice(&[2, 4, 4, 1]);
            sys!(libc::SYS_bpf, 0, map.as_ptr(), 72)
        }),
        ("userfaultfd", |_| sys!(libc::SYS_userfaultfd, 1)),
        ("a key in the kernel", |_| {
            let text = CString::new("user").unwrap();
            sys!(libc::SYS_add_key, text.as_ptr(), text.as_ptr(), text.as_ptr(), 4, -2)
        }),
        ("performance counters", |_| {
            let mut about = [0u64; 16];
            // Task clock of software counters.
            (about[0], about[1]) = (1 | 128 << 32, 1);
            sys!(libc::SYS_perf_event_open, about.as_ptr(), 0, -1, -1, 0)
        }),
        ("shared memory", |_| sys!(libc::SYS_shmget, libc::IPC_PRIVATE, 4096, libc::IPC_CREAT | 0o600)),
        ("another personality", |_| sys!(libc::SYS_personality, libc::ADDR_NO_RANDOMIZE)),
    ];

    /// What must go on working.
    const NEEDS: &[Attempt] = &[
        ("reads its model", |aim| match fs::read(aim.model())?.as_slice() {
            b"weights" => Ok(()),
            other => Err(Error::other(format!("{other:?}"))),
        }),
        ("starts threads and takes memory", |_| {
            let sum =
                std::thread::spawn(|| vec![1u8; 64 << 20].iter().map(|&byte| u64::from(byte)).sum::<u64>());
            if sum.join().unwrap() == 64 << 20 { Ok(()) } else { Err(Error::other("a wrong sum")) }
        }),
        ("ends by itself when it panics", |_| {
            match std::panic::catch_unwind(|| std::hint::black_box(None::<u8>).expect("planted")) {
                Err(_) => Ok(()),
                Ok(_) => Err(Error::other("no panic")),
            }
        }),
    ];

    fn abstract_name(parent: i32) -> String {
        format!("lectern-escape-{parent}")
    }

    pub fn main() -> ExitCode {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        if let [word, number, how, folder, port, parent] = arguments.as_slice()
            && word == "--attempt"
        {
            let aim =
                Aim { folder: folder.into(), port: port.parse().unwrap(), parent: parent.parse().unwrap() };
            return attempt(number.parse().unwrap(), how == "confined", &aim);
        }
        // As cargo's own runner does: a word that is no option chooses tests by their name.
        if arguments.iter().any(|word| !word.starts_with('-') && !"escapes".contains(word.as_str())) {
            println!("test result: ok. 0 passed; 0 failed");
            return ExitCode::SUCCESS;
        }
        try_all()
    }

    /// In the process of the attempt: says how it ended, as the last line.
    fn attempt(number: usize, confined: bool, aim: &Aim) -> ExitCode {
        if confined {
            let parts = runtime::host::lock_down(&aim.model(), 7, 1, None);
            assert!(parts.iter().any(|part| part.contains("seccomp")), "this kernel has seccomp: {parts:?}");
        }
        let (_, what) = ATTEMPTS.iter().chain(NEEDS).nth(number).unwrap();
        match what(aim) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                println!("{error}");
                ExitCode::from(1)
            }
        }
    }

    /// `Ok` when the attempt succeeded; else how it failed.
    fn run(number: usize, how: &str, port: u16) -> std::result::Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("model", "weights"), ("diary", "secret")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        fs::create_dir(folder.path().join("empty")).unwrap();
        let _socket = UnixListener::bind(folder.path().join("socket")).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--attempt", &number.to_string(), how, folder.path().to_str().unwrap()])
            .args([port.to_string(), std::process::id().to_string()])
            .env_clear()
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .output()
            .unwrap();
        let untouched = |name: &str, text: &str| {
            fs::read_to_string(folder.path().join(name)).is_ok_and(|found| found == text)
        };
        if how == "confined" && !(untouched("model", "weights") && untouched("diary", "secret")) {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match output.status.code() {
            Some(0) => Ok(()),
            Some(_) => Err(said),
            None => Err(output.status.to_string()),
        }
    }

    fn try_all() -> ExitCode {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        let _udp = UdpSocket::bind(("127.0.0.1", port)).unwrap();
        use std::os::linux::net::SocketAddrExt;
        let name = abstract_name(std::process::id() as i32);
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
        let _abstract = UnixListener::bind_addr(&address).unwrap();

        let (mut denied, mut failed, mut possible) = (0, 0, 0);
        println!("{:<38} {:<34} locked down", "attempt", "as it is");
        for (number, (name, _)) in ATTEMPTS.iter().enumerate() {
            let free = run(number, "free", port);
            let confined = run(number, "confined", port);
            possible += usize::from(free.is_ok());
            let word = |result: &std::result::Result<(), String>, done: &str| match result {
                Ok(()) => done.to_owned(),
                Err(why) => why.clone(),
            };
            println!("{name:<38} {:<34} {}", word(&free, "works"), word(&confined, "ESCAPED"));
            match confined {
                Ok(()) => failed += 1,
                Err(_) => denied += 1,
            }
        }
        for (number, (name, _)) in NEEDS.iter().enumerate() {
            let confined = run(ATTEMPTS.len() + number, "confined", port);
            println!("{name:<38} {:<34} {confined:?}", "");
            match confined {
                Ok(()) => denied += 1,
                Err(_) => failed += 1,
            }
        }
        println!("{possible} of {} attempts work here as it is", ATTEMPTS.len());
        // Attempts that would fail anyway prove nothing.
        if possible < 20 {
            println!("fewer than 20 prove something on this machine");
            failed += 1;
        }
        let verdict = if failed == 0 { "ok" } else { "FAILED" };
        println!("test result: {verdict}. {denied} passed; {failed} failed");
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
