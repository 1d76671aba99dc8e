//! `postgresql_db`: databases of a PostgreSQL server, their dumps and restores.

use super::postgresql::login_args;
use super::postgresql::quote::{first_dangerous, identifier, literal};
use super::postgresql::wire::{PgError, Session};
use super::{expand, words};
use crate::arg_choices;
use crate::module::{Command, Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, RunsOn};
use crate::value::Value;
use std::path::PathBuf;

arg_choices! {
    /// What should become of the database.
    pub enum State { Present = "present", Absent = "absent", Dump = "dump", Restore = "restore", Rename = "rename" }
}

login_args! {
    /// Arguments of `postgresql_db`.
    pub struct Args {
        /// The database.
        [aliases("db")] name: String,
        /// present and absent make and remove it; dump and restore save it to `target` and fill it
        /// from there; rename gives it the name in `target`.
        state: State = State::Present,
        /// The role that owns it.
        owner: String = "",
        /// The encoding of a new database.
        encoding: String = "",
        /// The template of a new database.
        template: String = "",
        /// The collation order of a new database.
        lc_collate: String = "",
        /// The character classification of a new database.
        lc_ctype: String = "",
        /// Where the collations of a new database come from: libc or icu.
        locale_provider: String = "",
        /// The ICU locale of a new database.
        icu_locale: String = "",
        /// How many connections it may have; -1 for any number.
        conn_limit: String = "",
        /// Its tablespace.
        tablespace: String = "",
        /// A comment; empty to remove it.
        comment: Option<String>,
        /// End the connections of others to a database that is removed.
        force: bool = false,
        /// The file of a dump or restore: .sql, .tar, .pgc or .dir, plain or with .gz, .bz2 or .xz; the
        /// new name for rename.
        target: String = "",
        /// Further arguments of pg_dump, pg_restore or psql.
        target_opts: String = "",
        /// Further arguments of pg_dump.
        dump_extra_args: Option<String>,
        /// The database that is connected to for the work.
        maintenance_db: String = "postgres",
    }
}

/// What the server says of a database.
#[derive(Debug, Clone, Default)]
pub struct Database {
    owner: String,
    encoding: String,
    /// Whether the wanted encoding is this one by another name.
    encoding_fits: bool,
    collate: String,
    ctype: String,
    conn_limit: i64,
    tablespace: String,
    comment: String,
    /// `libc` or `icu`.
    provider: String,
    icu_locale: String,
}

/// The server before the change.
#[derive(Debug, Clone, Default)]
pub struct Found {
    version: u32,
    database: Option<Database>,
    /// Whether a database named as `target` is there.
    target_exists: bool,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A statement, and how it is shown.
    Sql(String),
    /// A dump or restore.
    Transfer,
}

/// The `postgresql_db` module.
pub struct PostgresqlDb;

impl Module for PostgresqlDb {
    type Args = Args;
    type State = Found;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "community.postgresql.postgresql_db",
        aliases: &["postgresql_db"],
        summary: "Makes, changes, removes, dumps and restores databases of a PostgreSQL server",
        notes: "Speaks to the server itself: neither Python nor a client library is needed on the host; dump and \
                restore run the server's own programs. Log in as the server's superuser, as a rule with become_user: \
                postgres.",
        runs_on: RunsOn::Agent,
        returns: &[
            ReturnSpec { name: "db", doc: "The database." },
            ReturnSpec { name: "executed_commands", doc: "The statements or commands." },
            ReturnSpec { name: "cmd", doc: "The command of a dump or restore; rc, stderr and msg are its results." },
        ],
        examples: &[Example {
            title: "A database that belongs to a role",
            yaml: "community.postgresql.postgresql_db:\n  name: airflow\n  owner: airflow\n  encoding: UTF-8\nbecome: true\nbecome_user: postgres",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Found, Failure> {
        check(args)?;
        if matches!(args.state, State::Dump | State::Restore) {
            return Ok(Found::default());
        }
        let mut session = args.login(&args.maintenance_db).connect(host)?;
        let version = session.version();
        let database = database(&mut session, args).map_err(failure)?;
        let sql = format!("SELECT 1 FROM pg_catalog.pg_database WHERE datname = {}", literal(&args.target));
        let target_exists = args.state == State::Rename && session.value(&sql).map_err(failure)?.is_some();
        Ok(Found { version, database, target_exists })
    }

    fn plan(&self, args: &Args, found: &Found) -> Result<Plan<Change>, Failure> {
        let mut plan =
            Plan::nothing().with("db", args.name.as_str()).with("executed_commands", Value::list(Vec::new()));
        let name = identifier(&args.name);
        match (args.state, &found.database) {
            (State::Dump | State::Restore, _) => plan.actions.push(Change::Transfer),
            (State::Absent, Some(_)) => {
                if args.force && found.version < 130_000 {
                    plan.changes.push(Change::Sql(format!(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}",
                        literal(&args.name)
                    )));
                }
                let force = if args.force && found.version >= 130_000 { " WITH (FORCE)" } else { "" };
                plan.changes.push(Change::Sql(format!("DROP DATABASE {name}{force}")));
            }
            (State::Absent, None) => {}
            (State::Rename, Some(_)) if found.target_exists => {
                return Err(Failure::new("Both the source and the target databases exist."));
            }
            (State::Rename, Some(_)) => {
                plan.changes.push(Change::Sql(format!("ALTER DATABASE {name} RENAME TO {}", identifier(&args.target))));
            }
            (State::Rename, None) if found.target_exists => {}
            (State::Rename, None) => {
                return Err(Failure::new("The source and the target databases do not exist."));
            }
            (State::Present, None) => {
                plan.changes.push(Change::Sql(create(args)));
                plan.changes.extend(comment(args, "").map(Change::Sql));
            }
            (State::Present, Some(database)) => {
                plan.changes.extend(alter(args, database)?.into_iter().map(Change::Sql))
            }
        }
        Ok(plan)
    }

    fn apply(&self, args: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        if plan.actions.contains(&Change::Transfer) {
            return transfer(args, host);
        }
        let mut session = args.login(&args.maintenance_db).connect(host)?;
        let mut done = Vec::new();
        for change in &plan.changes {
            if let Change::Sql(sql) = change {
                // One by one: CREATE DATABASE and DROP DATABASE refuse to be in a transaction.
                session.query(sql).map_err(failure)?;
                done.push(Value::str(sql));
            }
        }
        Ok(Outcome::new().with("executed_commands", Value::list(done)))
    }
}

fn failure(error: PgError) -> Failure {
    Failure::new(format!("Database query failed: {error}"))
}

fn check(args: &Args) -> Result<(), Failure> {
    if !args.trust_input {
        let given = [&args.owner, &args.conn_limit, &args.encoding, &args.name, &args.template, &args.tablespace];
        let given = given.into_iter().chain(&args.session_role).map(String::as_str);
        if let Some(value) = first_dangerous(given) {
            return Err(Failure::new(format!("Passed input '{value}' is potentially dangerous")));
        }
    }
    if args.state == State::Rename {
        if args.target.is_empty() {
            return Err(Failure::new("The \"target\" option must be defined when the \"rename\" option is used."));
        }
        if args.target == args.name {
            return Err(Failure::new("The \"name/db\" option and the \"target\" option cannot be the same."));
        }
    }
    if !args.conn_limit.is_empty() && args.conn_limit.trim().parse::<i64>().is_err() {
        return Err(Failure::new("Database query failed: connection_limit requires an integer value"));
    }
    Ok(())
}

fn database(session: &mut Session, args: &Args) -> Result<Option<Database>, PgError> {
    let (provider, icu) = match session.version() {
        version if version >= 170_000 => ("datlocprovider", "datlocale"),
        version if version >= 150_000 => ("datlocprovider", "daticulocale"),
        _ => ("'c'", "NULL"),
    };
    let sql = format!(
        "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), encoding = pg_char_to_encoding({}), \
         datcollate, datctype, datconnlimit, spcname, coalesce(shobj_description(d.oid, 'pg_database'), ''), \
         {provider}, {icu} FROM pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace \
         WHERE datname = {}",
        literal(&args.encoding),
        literal(&args.name)
    );
    let Some(row) = session.query(&sql)?.into_iter().next() else { return Ok(None) };
    let text = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
    Ok(Some(Database {
        owner: text(0),
        encoding: text(1),
        encoding_fits: text(2) == "t",
        collate: text(3),
        ctype: text(4),
        conn_limit: text(5).parse().unwrap_or(-1),
        tablespace: text(6),
        comment: text(7),
        provider: match text(8).as_str() {
            "i" => "icu".into(),
            "b" => "builtin".into(),
            _ => "libc".into(),
        },
        icu_locale: text(9),
    }))
}

fn create(args: &Args) -> String {
    let mut sql = format!("CREATE DATABASE {}", identifier(&args.name));
    let clauses = [
        ("OWNER", &args.owner, true),
        ("TEMPLATE", &args.template, true),
        ("ENCODING", &args.encoding, false),
        ("LC_COLLATE", &args.lc_collate, false),
        ("LC_CTYPE", &args.lc_ctype, false),
        ("ICU_LOCALE", &args.icu_locale, false),
        ("LOCALE_PROVIDER", &args.locale_provider, false),
        ("TABLESPACE", &args.tablespace, true),
    ];
    for (word, value, is_name) in clauses.into_iter().filter(|(_, value, _)| !value.is_empty()) {
        let value = if is_name { identifier(value) } else { literal(value).trim().to_owned() };
        sql += &format!(" {word} {value}");
    }
    if !args.conn_limit.is_empty() {
        sql += &format!(" CONNECTION LIMIT {}", args.conn_limit.trim());
    }
    sql
}

fn alter(args: &Args, database: &Database) -> Result<Vec<String>, Failure> {
    if !args.encoding.is_empty() && !database.encoding_fits {
        let current = &database.encoding;
        return Err(Failure::new(format!("Changing database encoding is not supported. Current encoding: {current}")));
    }
    let fixed = [
        ("LC_COLLATE", &args.lc_collate, &database.collate, ". "),
        ("LC_CTYPE", &args.lc_ctype, &database.ctype, "."),
        ("ICU_LOCALE", &args.icu_locale, &database.icu_locale, "."),
        ("LOCALE_PROVIDER", &args.locale_provider, &database.provider, "."),
    ];
    for (word, wanted, current, stop) in fixed {
        let fits = if word == "LOCALE_PROVIDER" { wanted.eq_ignore_ascii_case(current) } else { wanted == current };
        if !wanted.is_empty() && !fits {
            return Err(Failure::new(format!("Changing {word} is not supported{stop}Current {word}: {current}")));
        }
    }
    let name = identifier(&args.name);
    let mut statements = Vec::new();
    if !args.owner.is_empty() && args.owner != database.owner {
        statements.push(format!("ALTER DATABASE {name} OWNER TO {}", identifier(&args.owner)));
    }
    if let Ok(limit) = args.conn_limit.trim().parse::<i64>() {
        if limit != database.conn_limit {
            statements.push(format!("ALTER DATABASE {name} CONNECTION LIMIT {limit}"));
        }
    }
    if !args.tablespace.is_empty() && args.tablespace != database.tablespace {
        statements.push(format!("ALTER DATABASE {name} SET TABLESPACE {}", identifier(&args.tablespace)));
    }
    statements.extend(comment(args, &database.comment));
    Ok(statements)
}

fn comment(args: &Args, current: &str) -> Option<String> {
    let wanted = args.comment.as_ref().filter(|wanted| *wanted != current)?;
    Some(format!("COMMENT ON DATABASE {} IS {}", identifier(&args.name), literal(wanted).trim()))
}

/// Runs pg_dump, pg_restore or psql; compressed files go through their program.
fn transfer(args: &Args, host: &dyn Host) -> Result<Outcome, Failure> {
    let login = args.login(&args.name);
    let target = match args.target.as_str() {
        "" => PathBuf::from(host.env("HOME").unwrap_or_else(|| "/".into())).join(format!("{}.sql", args.name)),
        target => expand::path(host, target),
    };
    let target = target.to_string_lossy().into_owned();
    let (plain, packer) = match target.rsplit_once('.') {
        Some((plain, "gz")) => (plain, Some("gzip")),
        Some((plain, "bz2")) => (plain, Some("bzip2")),
        Some((plain, "xz")) => (plain, Some("xz")),
        _ => (target.as_str(), None),
    };
    let format = match plain.rsplit_once('.').map(|(_, ending)| ending) {
        Some("tar") => Some(("t", "Tar")),
        Some("pgc") => Some(("c", "Custom")),
        Some("dir") => Some(("d", "Directory")),
        _ => None,
    };
    if packer.is_some() && format.is_some_and(|(letter, _)| letter == "d") {
        return Err(Failure::new("the directory format is no file that can be packed"));
    }
    let dump = args.state == State::Dump;
    let program = if dump {
        "pg_dump"
    } else if format.is_some() {
        "pg_restore"
    } else {
        "psql"
    };
    let find = |program: &str| {
        let path = host.which(program).ok_or_else(|| {
            Failure::new(format!("Failed to find required executable \"{program}\" in the host's paths"))
        })?;
        Ok::<String, Failure>(path.to_string_lossy().into_owned())
    };
    let mut command = vec![find(program)?];
    command.push(if dump { args.name.clone() } else { format!("--dbname={}", args.name) });
    match login.socket_directory(host) {
        Some(directory) => command.push(format!("--host={}", directory.display())),
        None => command.push(format!("--host={}", login.host)),
    }
    command.extend([format!("--port={}", login.port), format!("--username={}", login.user)]);
    if let (Some(role), true) = (&args.session_role, dump || format.is_some()) {
        command.push(format!("--role={role}"));
    }
    let split = |text: &str| words::split(text).map_err(|error| Failure::new(format!("{text}: {error}")));
    if dump {
        command.extend(split(args.dump_extra_args.as_deref().unwrap_or_default())?);
    }
    match format {
        Some((letter, _)) if dump => command.push(format!("--format={letter}")),
        Some((_, word)) => command.push(format!("--format={word}")),
        None => {}
    }
    command.extend(split(&args.target_opts)?);
    let quoted_target = words::quote(&target);
    let text = match (dump, packer) {
        (true, None) if format.is_some_and(|(letter, _)| letter == "d") => {
            format!("{} -f {quoted_target}", words::join(&command))
        }
        (true, None) => format!("{} > {quoted_target}", words::join(&command)),
        (true, Some(packer)) => packed(&words::join(&command), &format!("{} > {quoted_target}", find(packer)?), host)?,
        (false, None) if format.is_some() => format!("{} {quoted_target}", words::join(&command)),
        (false, None) => format!("{} --file={quoted_target}", words::join(&command)),
        (false, Some(packer)) => {
            packed(&format!("{} -dc {quoted_target}", find(packer)?), &words::join(&command), host)?
        }
    };
    let mut shell = Command::shell(&text);
    if let Some(password) = login.password(host) {
        shell = shell.env("PGPASSWORD", password);
    }
    let ssl_mode = args.ssl_mode.as_str();
    shell = shell.env("PGSSLMODE", ssl_mode);
    if let Some(authorities) = &args.ca_cert {
        shell = shell.env("PGSSLROOTCERT", authorities.as_str());
    }
    let output = host.run(&shell).map_err(|error| Failure::new(format!("{program} could not be run: {error}")))?;
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    // psql goes on after errors and says so on standard error only.
    if !output.success() {
        return Err(Failure::new(stderr).with("stdout", stdout).with("rc", output.rc).with("cmd", text));
    }
    let mut outcome = Outcome::new()
        .with("msg", stdout)
        .with("stderr", stderr)
        .with("rc", output.rc)
        .with("cmd", text.as_str())
        .with("executed_commands", vec![text.as_str()]);
    outcome.reported_change = Some(true);
    Ok(outcome)
}

/// `from | to` whose status is the first failure of both; plain sh forgets that of `from`.
fn packed(from: &str, to: &str, host: &dyn Host) -> Result<String, Failure> {
    let folder = host.temp_dir().map_err(|error| Failure::new(format!("no temporary directory: {error}")))?;
    let fifo = words::quote(&folder.join("pipe").to_string_lossy());
    Ok(format!("mkfifo {fifo} && {{ {from} > {fifo} & {to} < {fifo}; rc=$?; wait $! || rc=$?; exit $rc; }}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::parse_args;
    use crate::value::Map;

    fn args(entries: &[(&str, &str)]) -> Args {
        let mut map: Map = entries.iter().map(|(name, value)| ((*name).into(), Value::str(value))).collect();
        map.insert("name".into(), "d1".into());
        parse_args(&[], &map).unwrap()
    }

    fn planned(args: &Args, database: Option<Database>) -> Vec<String> {
        let found = Found { version: 150_000, database, target_exists: false };
        let changes = PostgresqlDb.plan(args, &found).unwrap().changes.into_iter();
        changes.map(|change| if let Change::Sql(sql) = change { sql } else { String::new() }).collect()
    }

    #[test]
    fn makes_and_changes_databases() {
        let wanted = args(&[("owner", "air"), ("encoding", "UTF-8"), ("conn_limit", "3"), ("comment", "it's")]);
        assert_eq!(
            planned(&wanted, None),
            [
                "CREATE DATABASE \"d1\" OWNER \"air\" ENCODING 'UTF-8' CONNECTION LIMIT 3",
                "COMMENT ON DATABASE \"d1\" IS 'it''s'"
            ]
        );
        let there = Database {
            owner: "air".into(),
            encoding_fits: true,
            conn_limit: 3,
            comment: "it's".into(),
            ..Database::default()
        };
        assert_eq!(planned(&wanted, Some(there.clone())), [""; 0]);
        let other = Database { owner: "postgres".into(), conn_limit: -1, ..there };
        assert_eq!(
            planned(&wanted, Some(other)),
            ["ALTER DATABASE \"d1\" OWNER TO \"air\"", "ALTER DATABASE \"d1\" CONNECTION LIMIT 3"]
        );
    }

    #[test]
    fn removes_with_force() {
        let wanted = args(&[("state", "absent"), ("force", "yes")]);
        assert_eq!(planned(&wanted, Some(Database::default())), ["DROP DATABASE \"d1\" WITH (FORCE)"]);
        assert_eq!(planned(&wanted, None), [""; 0]);
    }

    #[test]
    fn refuses_what_cannot_change() {
        let found =
            Found { database: Some(Database { encoding: "UTF8".into(), ..Database::default() }), ..Found::default() };
        let failure = PostgresqlDb.plan(&args(&[("encoding", "LATIN1")]), &found).unwrap_err();
        assert_eq!(failure.msg, "Changing database encoding is not supported. Current encoding: UTF8");
        assert!(check(&args(&[("state", "rename")])).is_err());
        assert!(check(&args(&[("trust_input", "no"), ("owner", "a; drop")])).is_err());
    }
}
