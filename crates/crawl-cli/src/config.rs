//! The config file: flags that one does not want to type, under the same names.
//!
//! A key is looked up among the command's own flags, so a flag exists once, in the program's flags. What is on
//! the command line or in the environment goes before the file.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Result, anyhow};
use clap::{ArgAction, Command};
use crawl_core::{Error, Kind};

/// The arguments with those of the config file put behind them, where `--config` names one.
pub(crate) fn with_file(command: &Command, mut arguments: Vec<OsString>) -> Result<Vec<OsString>> {
    let Some(path) = named(&arguments) else { return Ok(arguments) };
    let path = Path::new(&path);
    let bad = |what: String| Error::new(Kind::Config, what).at(path.display().to_string());
    let text = std::fs::read_to_string(path).map_err(|cause| {
        bad("cannot read the config file".into()).because(cause).advise("check the path behind --config")
    })?;
    let file: toml::Table =
        toml::from_str(&text).map_err(|cause| bad(format!("the config file is not valid: {cause}")))?;
    let words: Vec<&str> = arguments.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let sub = asked_for(command, &words);
    let known = |name: &str| name == command.get_name() || command.find_subcommand(name).is_some();
    if let Some(toml::Value::Table(own)) = file.get(command.get_name())
        && let Some(odd) = own.iter().find(|(name, value)| value.is_table() && !known(name))
    {
        return Err(bad(format!("`{}` has no command `{}`", command.get_name(), odd.0)).into());
    }
    let Some(table) = table_of(&file, command.get_name(), sub.get_name()) else { return Ok(arguments) };
    let mut more = Vec::new();
    for (key, value) in table {
        let place = || line_of(&text, key).map_or(String::new(), |line| format!(", line {line}"));
        let flag = sub
            .get_arguments()
            .chain(command.get_arguments())
            .find(|flag| flag.get_long() == Some(key.as_str()));
        let Some(flag) = flag else {
            let what = format!("`{}` has no flag --{key}{}", sub.get_name(), place());
            return Err(bad(what)
                .advise(format!("see `{} {} --help`", command.get_name(), sub.get_name()))
                .into());
        };
        let typed = words.iter().any(|word| {
            let name = word.strip_prefix("--").map(|word| word.split('=').next().unwrap_or(word));
            name == Some(key)
                || flag
                    .get_short()
                    .is_some_and(|short| word.starts_with(&format!("-{short}")) && !word.starts_with("--"))
        });
        let in_environment =
            flag.get_env().and_then(|name| name.to_str()).is_some_and(|name| crate::env(name).is_some());
        if !typed && !in_environment {
            let words = words_of(key, value, flag.get_action())
                .ok_or_else(|| anyhow!(bad(format!("a bad value for {key}{}", place()))))?;
            more.extend(words.into_iter().map(OsString::from));
        }
    }
    arguments.extend(more);
    Ok(arguments)
}

/// The command among the words: the first that is no flag and no flag's value.
fn asked_for<'a>(command: &'a Command, words: &[&str]) -> &'a Command {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--config" | "--log" => drop(words.next()),
            flag if flag.starts_with('-') => {}
            name => return command.find_subcommand(name).unwrap_or(command),
        }
    }
    command
}

fn named(arguments: &[OsString]) -> Option<OsString> {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let word = word.to_str()?;
        if word == "--config" {
            return words.next().cloned();
        }
        if let Some(path) = word.strip_prefix("--config=") {
            return Some(path.into());
        }
    }
    None
}

/// `[hf-crawler.datasets]`, or `[datasets]` in a file for one program; `[record-converter]` for a program
/// without commands.
fn table_of<'a>(file: &'a toml::Table, program: &str, sub: &str) -> Option<&'a toml::Table> {
    let program = file.get(program).and_then(|table| table.get(sub));
    program.or_else(|| file.get(sub)).and_then(toml::Value::as_table)
}

fn words_of(key: &str, value: &toml::Value, action: &ArgAction) -> Option<Vec<String>> {
    let plain = |value: &toml::Value| match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Datetime(date) => Some(date.to_string()),
        _ => None,
    };
    match (value, action) {
        (toml::Value::Boolean(true), ArgAction::SetTrue) => Some(vec![format!("--{key}")]),
        (toml::Value::Boolean(false), ArgAction::SetTrue) => Some(Vec::new()),
        (toml::Value::Array(list), ArgAction::Append) => {
            list.iter().map(|value| Some(format!("--{key}={}", plain(value)?))).collect()
        }
        (value, _) => Some(vec![format!("--{key}={}", plain(value)?)]),
    }
}

fn line_of(text: &str, key: &str) -> Option<usize> {
    let names = |line: &str| {
        line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    text.lines().position(names).map(|line| line + 1)
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction};

    use super::*;

    fn command() -> Command {
        let flag = |name: &'static str| Arg::new(name).long(name);
        let run = Command::new("run")
            .arg(flag("limit").short('l'))
            .arg(flag("tag").action(ArgAction::Append))
            .arg(flag("fast").action(ArgAction::SetTrue));
        Command::new("prog").subcommand(run).arg(flag("config").global(true))
    }

    /// The words that a file adds to what was typed.
    fn added(file: &str, typed: &[&str]) -> Result<Vec<String>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("c.toml");
        std::fs::write(&path, file)?;
        let words = ["prog", "run", "--config"].into_iter().map(OsString::from);
        let words: Vec<_> = words.chain([path.into()]).chain(typed.iter().map(OsString::from)).collect();
        let before = words.len();
        let after = with_file(&command(), words)?;
        Ok(after[before..].iter().map(|word| word.to_string_lossy().into_owned()).collect())
    }

    #[test]
    fn a_file_adds_the_flags_that_were_not_typed() {
        let file = "[prog.run]\nlimit = 5\ntag = [\"a\", \"b c\"]\nfast = true\n";
        assert_eq!(added(file, &[]).unwrap(), ["--fast", "--limit=5", "--tag=a", "--tag=b c"]);
        assert_eq!(added(file, &["--limit=7", "--tag", "x"]).unwrap(), ["--fast"]);
        assert_eq!(added(file, &["-l7"]).unwrap(), ["--fast", "--tag=a", "--tag=b c"]);
        assert_eq!(added("[run]\nfast = false\n", &[]).unwrap(), [""; 0]);
        assert_eq!(added("[other]\nx = 1\n", &[]).unwrap(), [""; 0]);
    }

    #[test]
    fn a_bad_file_is_named_with_its_line() {
        let error = added("[run]\n\nlimits = 5\n", &[]).unwrap_err().to_string();
        assert!(error.contains("has no flag --limits, line 3"), "{error}");
        assert!(added("[run\n", &[]).unwrap_err().to_string().contains("not valid"));
        assert!(added("[run]\nlimit = [1]\n", &[]).is_err());
    }
}
