//! The controller.

use std::process::ExitCode;

fn main() -> ExitCode {
    rplay::cli::main()
}
