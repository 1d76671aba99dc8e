//! `rplay PLAYBOOK...`: reads and checks everything, then runs.

use super::Exit;
use super::arguments::PlayArguments;
use super::error::CliError;
use super::load::{Loaded, Purpose, check_playbooks, load};
use super::terminal::Person;
use super::warnings::Warnings;
use super::{list, passwords, signals, terminal};
use crate::agent::{BlobStore, Payload};
use crate::modules::{Catalog, WholeModules};
use crate::project::{Config, FactCache, Setting, expand_home_path};
use crate::report::{Closed, Options, Screen, report};
use crate::run::{Event, Passwords, Project, RunError, RunInput, RunSummary, Settings, run};
use crate::transport::CancelToken;
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

/// Ansible's number of tasks at once.
const FORKS: usize = 5;

/// Carries out the command line.
pub fn play(mut arguments: PlayArguments) -> Result<Exit, CliError> {
    let config = Config::load();
    if arguments.options.verbose == 0 {
        arguments.options.verbose = config.number(Setting::Verbosity).unwrap_or(0);
    }
    check_playbooks(&arguments.playbooks)?;
    let only_looks = arguments.list_hosts || arguments.list_tasks || arguments.list_tags || arguments.syntax_check;
    let passwords = match only_looks {
        true => Passwords::default(),
        false => passwords::gather(&arguments, &config)?,
    };
    let force_handlers = arguments.force_handlers || config.flag(Setting::ForceHandlers) == Some(true);
    let loaded = load(&arguments.playbooks, &arguments.options, config, Purpose::Run, force_handlers)?;
    for (option, given) in [
        ("--sftp-extra-args", &arguments.connection.sftp_extra_args),
        ("--scp-extra-args", &arguments.connection.scp_extra_args),
    ] {
        if given.is_some() {
            loaded.warnings.warn(format!("{option} has no effect: rplay sends files over its own connection"));
        }
    }
    if loaded.report() {
        loaded.print_warnings();
        return Ok(Exit::Unreachable);
    }
    if only_looks {
        return look(&arguments, &loaded);
    }
    perform(arguments, loaded, passwords, force_handlers)
}

/// What only says something about the playbooks.
fn look(arguments: &PlayArguments, loaded: &Loaded) -> Result<Exit, CliError> {
    loaded.print_warnings();
    let mut text = config_line(arguments, loaded);
    text += &match arguments.list_hosts || arguments.list_tasks || arguments.list_tags {
        true => list::list(arguments, loaded)?,
        false => loaded.playbooks.iter().map(|playbook| format!("\nplaybook: {}\n", playbook.path.display())).collect(),
    };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => Ok(Exit::Success),
        Err(_) => Ok(Exit::Closed),
    }
}

/// With `-v`: which configuration counts.
fn config_line(arguments: &PlayArguments, loaded: &Loaded) -> String {
    match &loaded.config.path {
        _ if arguments.options.verbose == 0 || arguments.output != super::arguments::OutputName::Human => String::new(),
        Some(path) => format!("Using {} as config file\n", path.display()),
        None => "No config file found; using defaults\n".to_owned(),
    }
}

fn settings(
    arguments: &PlayArguments,
    loaded: &Loaded,
    passwords: Passwords,
    force_handlers: bool,
) -> Result<Settings, CliError> {
    let config = &loaded.config;
    let connection = &arguments.connection;
    let escalation = &arguments.escalation;
    Ok(Settings {
        fact_cache: FactCache::from_config(config)?,
        flush_cache: arguments.flush_cache,
        forks: arguments.forks.map(usize::from).or(config.number(Setting::Forks)).unwrap_or(FORKS).max(1),
        check: arguments.check,
        diff: arguments.diff || config.flag(Setting::DiffAlways) == Some(true),
        verbosity: arguments.options.verbose,
        tags: loaded.tags.clone(),
        limit: loaded.limit.clone(),
        extra_vars: loaded.extra_vars.clone(),
        remote_user: connection.remote_user.clone(),
        connection: connection.connection.clone(),
        private_key: connection.private_key.as_deref().map(expand_home_path),
        timeout: connection.timeout,
        become_: escalation.become_,
        become_user: escalation.become_user.clone(),
        become_method: escalation.become_method.clone(),
        ssh_common_args: connection.ssh_common_args.clone(),
        ssh_extra_args: connection.ssh_extra_args.clone(),
        passwords,
        force_handlers,
        start_at_task: arguments.start_at_task.clone(),
        step: arguments.step,
        inventory_sources: loaded.inventory_sources.clone(),
        config: config.clone(),
    })
}

fn report_options(arguments: &PlayArguments, config: &Config) -> Options {
    let (paint, paint_errors) = terminal::paints(config.flag(Setting::ForceColor), config.flag(Setting::NoColor));
    Options {
        verbosity: arguments.options.verbose,
        display_ok: config.flag(Setting::DisplayOk) != Some(false),
        display_skipped: config.flag(Setting::DisplaySkipped) != Some(false),
        custom_stats: config.flag(Setting::ShowCustomStats) == Some(true),
        diff_context: config.number(Setting::DiffContext),
        paint,
        paint_errors,
        width: terminal::width(),
        progress: arguments.output == super::arguments::OutputName::Human && terminal::is_live(),
    }
}

/// Runs, with the report beside it.
fn perform(
    arguments: PlayArguments,
    loaded: Loaded,
    passwords: Passwords,
    force_handlers: bool,
) -> Result<Exit, CliError> {
    let screen = Arc::new(Screen::default());
    let options = report_options(&arguments, &loaded.config);
    let settings = settings(&arguments, &loaded, passwords, force_handlers)?;
    let (events, inbox) = channel();
    let _ = std::io::stdout().lock().write_all(config_line(&arguments, &loaded).as_bytes());
    let warnings = loaded.warnings.clone();
    warnings.send_to(events.clone());
    let cancel = CancelToken::new();
    signals::cancel_on_signal(&cancel, screen.clone());
    let input = input(loaded, settings, screen.clone());
    let output = arguments.output.into();
    let to_cancel = cancel.clone();
    let (summary, shown) = std::thread::scope(|scope| {
        let on_screen = &screen;
        let show = move || show(&inbox, output, &options, on_screen, &to_cancel);
        let reporter = scope.spawn(show);
        let summary = run(input, events, cancel);
        warnings.stop();
        screen.end();
        // A panic of the report has been printed; the run itself is over.
        (summary, reporter.join().unwrap_or(Ok(())))
    });
    finish(summary, shown, &warnings)
}

/// Shows events; when nobody reads them any more the run ends.
fn show(
    inbox: &Receiver<Event>,
    output: crate::report::Output,
    options: &Options,
    screen: &Screen,
    cancel: &CancelToken,
) -> Result<(), Closed> {
    let shown = report(inbox, output, options, screen);
    if shown.is_err() {
        cancel.cancel();
    }
    shown
}

fn input(loaded: Loaded, settings: Settings, screen: Arc<Screen>) -> RunInput {
    let project = Project {
        files: loaded.files,
        engine: loaded.engine,
        modules: Arc::new(Catalog),
        role_paths: loaded.role_paths,
        library_paths: loaded.library_paths,
        playbook_dir: loaded.playbook_dir,
        inventory_vars: loaded.inventory_vars,
        blobs: Arc::new(BlobStore::new()),
        payload: Arc::new(Payload::find(&WholeModules)),
        interaction: Arc::new(Person::new(screen)),
    };
    RunInput {
        project: Arc::new(project),
        settings: Arc::new(settings),
        inventory: loaded.inventory,
        playbooks: loaded.playbooks,
        plan: loaded.plan,
        sections: loaded.sections,
    }
}

fn finish(
    summary: Result<RunSummary, RunError>,
    shown: Result<(), Closed>,
    warnings: &Warnings,
) -> Result<Exit, CliError> {
    if shown.is_err() {
        return Ok(Exit::Closed);
    }
    for message in warnings.take() {
        terminal::say(&format!("[WARNING]: {message}"));
    }
    let summary = summary?;
    Ok(match () {
        () if summary.interrupted || signals::interrupted() => Exit::Interrupted,
        () if summary.unreachable > 0 => Exit::Unreachable,
        () if summary.failed > 0 => Exit::Failed,
        () => Exit::Success,
    })
}
