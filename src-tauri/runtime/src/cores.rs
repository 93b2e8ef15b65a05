//! Cores: how many threads may compute at once.
//!
//! In:     what the system offers this process: its processors, its share of their time, who shares a core
//! Out:    a number of threads, at least 1
//! Cost:   some small files read, once
//!
//! Two threads on one physical core share its arithmetic and its cache, and a third one on two processors makes the
//! other two wait: so one thread for each physical core that this process may use, and no more than a container's quota.
//!
//! Threads are not held to a core each. Measured with the products of a model of 100 MB on two Zen 3 cores, 64 tokens each
//! way: alone it gave 0 to 9 %, beside a process on one of the cores it cost 16 % (a third in one of ten tokens), because
//! a thread that is held waits for its own core while the other one is free.
#![cfg_attr(target_os = "macos", allow(unsafe_code))]

/// Threads that are worth starting. To be asked before the sandbox closes.
pub fn usable() -> usize {
    // The processors that this process may run on, and on Linux its cgroup's quota.
    let offered = std::thread::available_parallelism().map_or(1, usize::from);
    #[cfg(target_os = "linux")]
    let cores = linux::allowed().map(|allowed| physical(&allowed, linux::siblings));
    #[cfg(not(target_os = "linux"))]
    let cores = sysinfo::System::physical_core_count().ok();
    cores.map_or(offered, |cores| offered.min(cores)).max(1)
}

/// Has the system treat this thread as work that somebody waits for.
pub(crate) fn somebody_waits() {
    #[cfg(target_os = "macos")]
    // SAFETY: the call sets the class of the calling thread and touches no memory.
    unsafe {
        libc::pthread_set_qos_class_self_np(libc::qos_class_t::QOS_CLASS_USER_INITIATED, 0);
    }
}

/// Physical cores behind the processors `allowed`. `siblings`: the processors of a core, as Linux lists them (`0,4` or
/// `0-1`); a processor about which nothing is known is a core.
#[cfg(any(test, target_os = "linux"))]
fn physical(allowed: &[usize], siblings: impl Fn(usize) -> Option<String>) -> usize {
    // Of a core's processors that are allowed the first one counts.
    let is_first = |&processor: &usize| {
        let list = siblings(processor).unwrap_or_default();
        let mut before = allowed.iter().take_while(|&&other| other < processor);
        !before.any(|&other| contains(&list, other))
    };
    allowed.iter().filter(|&processor| is_first(processor)).count()
}

/// Whether a list such as `0-3,8` has the number.
#[cfg(any(test, target_os = "linux"))]
fn contains(list: &str, number: usize) -> bool {
    list.trim().split(',').any(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let ends = (first.parse::<usize>(), last.parse::<usize>());
        matches!(ends, (Ok(first), Ok(last)) if (first..=last).contains(&number))
    })
}

#[cfg(target_os = "linux")]
mod linux {
    /// The processors that this process may run on, in their order.
    pub fn allowed() -> Option<Vec<usize>> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
        // The list names processors that are not there as well.
        let online = std::fs::read_to_string("/sys/devices/system/cpu/online").ok()?;
        let last = online.trim().rsplit([',', '-']).next()?.parse::<usize>().ok()?;
        let both = |number: &usize| super::contains(list, *number) && super::contains(&online, *number);
        Some((0..=last.min(1 << 16)).filter(both).collect())
    }

    pub fn siblings(processor: usize) -> Option<String> {
        let path = format!("/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list");
        std::fs::read_to_string(path).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_of_one_core_count_once_and_those_that_are_not_allowed_not_at_all() {
        // Four cores of two processors each, numbered as Linux does: 0 and 4, 1 and 5, …
        let far = |processor: usize| Some(format!("{},{}\n", processor % 4, processor % 4 + 4));
        assert_eq!(physical(&[0, 1, 2, 3, 4, 5, 6, 7], far), 4);
        assert_eq!(physical(&[0, 4], far), 1);
        assert_eq!(physical(&[4, 5], far), 2, "a container may have the second processor of each core");
        let near = |processor: usize| Some(format!("{}-{}\n", processor & !1, processor | 1));
        assert_eq!(physical(&[0, 1, 2, 3, 10], near), 3);
        assert_eq!(physical(&[0, 1, 2], |_| None), 3, "nothing is known");
        assert_eq!(physical(&[0, 1], |_| Some("nonsense-,".into())), 2);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_computes_on_no_more_than_it_is_offered() {
        let allowed = linux::allowed().expect("Linux tells");
        assert!(!allowed.is_empty());
        let offered = std::thread::available_parallelism().expect("it is known").get();
        assert!((1..=offered.min(allowed.len())).contains(&usable()), "{} of {offered}", usable());
    }
}
