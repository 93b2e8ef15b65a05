//! `lectern-gpu`: hosts one expert, with as many of its layers on a graphics processor as fit there.
//!
//! It lies beside `lectern` and the window, which start it in place of themselves. That keeps the driver, and everything
//! that loads with it, out of them: where the driver is absent this program does not start, and they go on without.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::host::serve_if_asked();
    match runtime::device::Device::open() {
        Ok(device) => println!("{}", device.name()),
        Err(why) => println!("no graphics processor: {why}"),
    }
    ExitCode::SUCCESS
}
