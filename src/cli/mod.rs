//! The command line: arguments in, exit codes out. The only place that ends the process.

mod arguments;
mod doc;
mod error;
mod exit;
mod graph;
mod inventory;
mod list;
mod load;
mod passwords;
mod play;
mod signals;
mod static_vars;
mod terminal;
mod vault_secrets;
mod warnings;

pub use arguments::{DocArguments, GraphArguments, Options, PlayArguments};
pub use exit::Exit;

use crate::modules::WholeModules;
use clap::Parser;
use clap::error::ErrorKind;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// The program: an agent when its first argument says so, else the command line.
pub fn main() -> ExitCode {
    if let Some(code) = crate::agent::server::main_if_asked(&WholeModules) {
        return code;
    }
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match catch_unwind(AssertUnwindSafe(|| dispatch(&arguments))) {
        Ok(exit) => exit.code(),
        // The panic's own message was printed already.
        Err(_) => Exit::Unexpected.code(),
    }
}

fn dispatch(arguments: &[OsString]) -> Exit {
    let word = arguments.get(1).and_then(|word| word.to_str());
    let rest = || {
        let name = format!("rplay {}", word.unwrap_or_default());
        std::iter::once(OsString::from(name)).chain(arguments.iter().skip(2).cloned())
    };
    let done = match word {
        Some("graph") => parsed(GraphArguments::try_parse_from(rest())).map(|arguments| graph::graph(&arguments)),
        Some("doc") => parsed(DocArguments::try_parse_from(rest())).map(|arguments| doc::doc(&arguments)),
        _ => parsed(PlayArguments::try_parse_from(arguments)).map(play::play),
    };
    match done {
        Ok(Ok(exit)) | Err(exit) => exit,
        Ok(Err(error)) => {
            terminal::print_error(&error.to_string());
            error.exit()
        }
    }
}

/// Arguments, or the exit code of what clap printed in their place.
fn parsed<T>(parsed: Result<T, clap::Error>) -> Result<T, Exit> {
    parsed.map_err(|error| {
        // Nothing can be done about a terminal that takes no text.
        let _ = error.print();
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Success,
            _ => Exit::Options,
        }
    })
}
