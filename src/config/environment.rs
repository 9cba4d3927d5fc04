//! The command line and the environment together.
//!
//! An empty variable is an absent one: `.env` files and compose make them. A secret can be in a file, which a
//! variable with the ending `_FILE` names.

use std::ffi::{OsStr, OsString};
use std::fmt;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory, FromArgMatches};

use super::cli::Cli;

/// The variables that no flag has.
const VARIABLES_WITHOUT_FLAG: [&str; 1] = ["INKSTONE_LOG"];
/// Beginnings of variables that Kubernetes sets for a service named `inkstone`.
const FOREIGN_BEGINNINGS: [&str; 2] = ["INKSTONE_SERVICE_", "INKSTONE_PORT"];

/// A setting that cannot be used: which one, and what is wanted. One line, without the value.
#[derive(Debug)]
pub struct SettingError(String);

impl SettingError {
    /// `setting` is the variable, with its flag if it has one.
    pub fn new(setting: &str, wanted: &str) -> Self {
        Self(format!("{setting}: {wanted}"))
    }
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SettingError {}

/// Why there is no command to run.
#[derive(Debug)]
pub enum Refusal {
    /// A setting cannot be used.
    Setting(SettingError),
    /// The command line is wrong, or asks for help.
    CommandLine(clap::Error),
}

impl Cli {
    /// Reads the command line `arguments` and the environment.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Refusal> {
        let mut faults = Vec::new();
        let mut command = read_environment(Self::command(), &mut faults);
        if let Some(fault) = faults.pop() {
            return Err(Refusal::Setting(fault));
        }
        let refuse = |command: &Command, cause| match describe(command, &cause) {
            Some(fault) => Refusal::Setting(fault),
            None => Refusal::CommandLine(cause),
        };
        let matches = command.try_get_matches_from_mut(arguments).map_err(|cause| refuse(&command, cause))?;
        Self::from_arg_matches(&matches).map_err(|cause| refuse(&command, cause))
    }

    /// Returns the variables that begin as ours and that no setting has, each with the nearest name.
    pub fn unknown_variables() -> Vec<(String, String)> {
        let known = known_variables();
        let named = std::env::vars_os().filter(|(_, value)| !value.is_empty());
        let ours = named.filter_map(|(name, _)| name.into_string().ok()).filter(|name| {
            name.starts_with("INKSTONE_") && !FOREIGN_BEGINNINGS.iter().any(|begin| name.starts_with(begin))
        });
        ours.filter(|name| !known.contains(name)).map(|name| (name.clone(), nearest(&name, &known))).collect()
    }
}

/// Reads what clap does not: empty variables, and secrets in files.
fn read_environment(command: Command, faults: &mut Vec<SettingError>) -> Command {
    let command = command.mut_args(|arg| read_variable(arg, faults));
    command.mut_subcommands(|command| read_environment(command, faults))
}

fn read_variable(arg: Arg, faults: &mut Vec<SettingError>) -> Arg {
    let Some(variable) = arg.get_env().and_then(OsStr::to_str).map(str::to_owned) else { return arg };
    let is_set = has_value(&variable);
    let is_empty = !is_set && std::env::var_os(&variable).is_some();
    let arg = if is_empty { arg.env(None::<&'static str>) } else { arg };
    if !arg.is_hide_env_values_set() {
        return arg;
    }
    let Some(file_variable) = file_variables(&variable).into_iter().find(|name| has_value(name)) else {
        return arg;
    };
    if is_set {
        faults.push(SettingError::new(&file_variable, &format!("cannot be set together with {variable}")));
        return arg;
    }
    let path = std::env::var_os(&file_variable).unwrap_or_default();
    match std::fs::read_to_string(&path) {
        Ok(secret) if !secret.trim().is_empty() => {
            arg.default_value(secret.trim_end_matches(['\r', '\n']).to_owned()).hide_default_value(true)
        }
        Ok(_) => {
            faults.push(SettingError::new(&file_variable, "must name a file that is not empty"));
            arg
        }
        Err(cause) => {
            faults.push(SettingError::new(
                &file_variable,
                &format!("must name a file that can be read: {cause}"),
            ));
            arg
        }
    }
}

fn has_value(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.to_string_lossy().trim().is_empty())
}

/// The variables that name a file with the secret `variable`.
fn file_variables(variable: &str) -> Vec<String> {
    match variable.strip_prefix("INKSTONE_") {
        Some(_) => vec![format!("{variable}_FILE")],
        None => vec![format!("{variable}_FILE"), format!("INKSTONE_{variable}_FILE")],
    }
}

fn all_args(command: &Command) -> Vec<&Arg> {
    command.get_arguments().chain(command.get_subcommands().flat_map(all_args)).collect()
}

fn known_variables() -> Vec<String> {
    let command = Cli::command();
    let mut known: Vec<String> = VARIABLES_WITHOUT_FLAG.map(str::to_owned).into();
    for arg in all_args(&command) {
        let Some(variable) = arg.get_env().and_then(OsStr::to_str) else { continue };
        known.push(variable.to_owned());
        if arg.is_hide_env_values_set() {
            known.extend(file_variables(variable));
        }
    }
    known
}

fn nearest(name: &str, known: &[String]) -> String {
    let nearest = known.iter().min_by_key(|other| strsim::damerau_levenshtein(name, other));
    nearest.cloned().unwrap_or_default()
}

/// Names the setting whose value clap refuses, and what is wanted.
fn describe(command: &Command, cause: &clap::Error) -> Option<SettingError> {
    if !matches!(cause.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
        return None;
    }
    let Some(ContextValue::String(shown)) = cause.get(ContextKind::InvalidArg) else { return None };
    let flag = shown.split([' ', '=']).next()?.strip_prefix("--")?;
    let arg = all_args(command).into_iter().find(|arg| arg.get_long() == Some(flag))?;
    let setting =
        match all_args(&Cli::command()).into_iter().find(|arg| arg.get_long() == Some(flag))?.get_env() {
            Some(variable) => format!("{} (--{flag})", variable.to_string_lossy()),
            None => format!("--{flag}"),
        };
    let wanted = match cause.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => {
            format!("must be one of {}", values.join(", "))
        }
        _ => std::error::Error::source(cause).map_or_else(
            || format!("must be {}", arg.get_value_names().unwrap_or_default().join(" ")),
            |source| source.to_string(),
        ),
    };
    Some(SettingError::new(&setting, &wanted))
}
