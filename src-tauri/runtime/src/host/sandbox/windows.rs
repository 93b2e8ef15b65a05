//! Windows: a job object held by the parent, and what the process itself gives up: its privileges, its right to change
//! what is the user's (low integrity), other programs, and code that it makes itself.
//!
//! What this does not do: keep it from reading the user's files or from the network. That takes an AppContainer, which has
//! to be set up with the program's installation.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::process::Child;
use std::ptr;

use windows_sys::Win32::Foundation::{HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::ConvertStringSidToSidW;
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, GetTokenInformation, PSID, SE_PRIVILEGE_REMOVED, SID_AND_ATTRIBUTES,
    SetTokenInformation, TOKEN_ADJUST_DEFAULT, TOKEN_ADJUST_PRIVILEGES, TOKEN_MANDATORY_LABEL,
    TOKEN_PRIVILEGES, TOKEN_QUERY, TokenIntegrityLevel, TokenPrivileges,
};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_ACTIVE_PROCESS,
    JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOB_OBJECT_LIMIT_PROCESS_MEMORY, JOBOBJECT_BASIC_UI_RESTRICTIONS, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
    JobObjectBasicUIRestrictions, JobObjectExtendedLimitInformation, QueryInformationJobObject,
    SetInformationJobObject,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, OpenProcessToken, PROCESS_MITIGATION_POLICY, ProcessChildProcessPolicy,
    ProcessDynamicCodePolicy, ProcessExtensionPointDisablePolicy, ProcessImageLoadPolicy,
    SetProcessMitigationPolicy,
};

/// All eight restrictions of the user interface: desktop, clipboard, handles of others, shutting down.
const NO_DESKTOP: u32 = 0xff;
/// Low integrity; files of the user have medium.
const LOW: &str = "S-1-16-4096\0";
/// `SE_GROUP_INTEGRITY`
const INTEGRITY: u32 = 0x20;

/// Holds a process: when the parent ends, however it ends, the system closes this and ends the process with it.
pub struct Job {
    _handle: OwnedHandle,
}

impl Job {
    /// `own_bytes`: the most memory of its own, the mapped model not counted. `None` when the system refuses.
    pub fn hold(child: &Child, own_bytes: u64) -> Option<Job> {
        // SAFETY: both arguments may be null: default security, no name.
        let raw = unsafe { CreateJobObjectW(ptr::null(), ptr::null()) };
        if raw.is_null() {
            return None;
        }
        // SAFETY: the handle was just made and belongs to nobody else.
        let job = Job { _handle: unsafe { OwnedHandle::from_raw_handle(raw) } };
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
            | JOB_OBJECT_LIMIT_ACTIVE_PROCESS
            | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION
            | JOB_OBJECT_LIMIT_PROCESS_MEMORY;
        limits.BasicLimitInformation.ActiveProcessLimit = 1;
        limits.ProcessMemoryLimit = usize::try_from(own_bytes).unwrap_or(usize::MAX);
        let desktop = JOBOBJECT_BASIC_UI_RESTRICTIONS { UIRestrictionsClass: NO_DESKTOP };
        let set = |class, value: *const c_void, size: usize| {
            // SAFETY: `value` points to a struct of the class with its size, during the call.
            unsafe { SetInformationJobObject(raw, class, value, size as u32) != 0 }
        };
        let held = set(JobObjectExtendedLimitInformation, (&raw const limits).cast(), size_of_val(&limits))
            && set(JobObjectBasicUIRestrictions, (&raw const desktop).cast(), size_of_val(&desktop));
        // SAFETY: both handles are open.
        (held && unsafe { AssignProcessToJobObject(raw, child.as_raw_handle()) } != 0).then_some(job)
    }
}

pub(super) fn enter(own_bytes: u64, driver: bool, parts: &mut Vec<String>) {
    // Any job will do for the system, such as a shell's own: what counts is what this one says.
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    let (into, size) = ((&raw mut limits).cast(), size_of_val(&limits) as u32);
    // SAFETY: a null job asks for the one that this process is in; `limits` has the size of its class during the call.
    let asked = unsafe {
        let class = JobObjectExtendedLimitInformation;
        QueryInformationJobObject(ptr::null_mut(), class, into, size, ptr::null_mut())
    };
    let held = |flag| asked != 0 && limits.BasicLimitInformation.LimitFlags & flag != 0;
    if held(JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE) {
        parts.push("ends with its parent (job object)".into());
    }
    if held(JOB_OBJECT_LIMIT_PROCESS_MEMORY) {
        parts.push(format!("at most {} MiB of own memory", own_bytes >> 20));
    }
    let mut raw: HANDLE = ptr::null_mut();
    let rights = TOKEN_ADJUST_PRIVILEGES | TOKEN_ADJUST_DEFAULT | TOKEN_QUERY;
    // SAFETY: `raw` is a place for a handle.
    if unsafe { OpenProcessToken(GetCurrentProcess(), rights, &raw mut raw) } != 0 {
        // SAFETY: the handle was just opened and belongs to nobody else.
        let token = unsafe { OwnedHandle::from_raw_handle(raw) };
        if drop_privileges(&token) {
            parts.push("no privileges".into());
        }
        if lower(&token) {
            parts.push("changes nothing of the user's (low integrity)".into());
        }
    }
    // Each policy is one number of flags; the first flag is the one that forbids.
    let forbid = |policy: PROCESS_MITIGATION_POLICY, flags: u32| {
        // SAFETY: the policy's struct is 4 bytes of flags, which live during the call.
        unsafe { SetProcessMitigationPolicy(policy, (&raw const flags).cast(), 4) != 0 }
    };
    if forbid(ProcessChildProcessPolicy, 1) {
        parts.push("no new programs".into());
    }
    // A driver makes the code that its device runs.
    if !driver && forbid(ProcessDynamicCodePolicy, 1) {
        parts.push("no new code".into());
    }
    // No libraries from other machines or of low integrity (bits 0 and 1); no hooks of others.
    if forbid(ProcessImageLoadPolicy, 0b11) && forbid(ProcessExtensionPointDisablePolicy, 1) {
        parts.push("no foreign libraries".into());
    }
}

/// Removes every privilege from the token, for ever.
fn drop_privileges(token: &OwnedHandle) -> bool {
    let raw = token.as_raw_handle();
    let mut size = 0;
    // SAFETY: with no room the call only tells the size.
    unsafe { GetTokenInformation(raw, TokenPrivileges, ptr::null_mut(), 0, &raw mut size) };
    // In units of 4 bytes, as its fields are aligned.
    let mut list = vec![0u32; (size as usize).div_ceil(4).max(1)];
    let into = list.as_mut_ptr().cast();
    // SAFETY: `list` has at least `size` bytes.
    if unsafe { GetTokenInformation(raw, TokenPrivileges, into, size, &raw mut size) } == 0 {
        return false;
    }
    // A count, then three numbers for each privilege: its name in two halves, and its state.
    let count = (list[0] as usize).min((list.len() - 1) / 3);
    for privilege in list[1..].chunks_exact_mut(3).take(count) {
        privilege[2] = SE_PRIVILEGE_REMOVED;
    }
    let list = list.as_ptr().cast::<TOKEN_PRIVILEGES>();
    // SAFETY: `list` is what the system gave, with other states; nothing is written back.
    unsafe { AdjustTokenPrivileges(raw, 0, list, 0, ptr::null_mut(), ptr::null_mut()) != 0 }
}

/// Gives the token low integrity: what is the user's can be read, and not be changed.
fn lower(token: &OwnedHandle) -> bool {
    let text: Vec<u16> = LOW.encode_utf16().collect();
    let mut sid: PSID = ptr::null_mut();
    // SAFETY: `text` ends with a zero, and `sid` is a place for a pointer.
    if unsafe { ConvertStringSidToSidW(text.as_ptr(), &raw mut sid) } == 0 {
        return false;
    }
    let label = TOKEN_MANDATORY_LABEL { Label: SID_AND_ATTRIBUTES { Sid: sid, Attributes: INTEGRITY } };
    let value = (&raw const label).cast();
    // SAFETY: `label` and the identifier in it live until after the call.
    let done = unsafe {
        SetTokenInformation(token.as_raw_handle(), TokenIntegrityLevel, value, size_of_val(&label) as u32)
    };
    // SAFETY: the identifier was allocated by the call above and is not used any more.
    unsafe { LocalFree(sid) };
    done != 0
}
