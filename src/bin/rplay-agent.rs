//! The agent: runs modules on a host for a controller that speaks to it over its standard streams.

use std::process::ExitCode;

fn main() -> ExitCode {
    rplay::agent::server::main(&rplay::modules::LightModules)
}
