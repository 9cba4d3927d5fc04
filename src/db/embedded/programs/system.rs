//! The package of PostgreSQL of the operating system.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::super::account::effective_uid;
use super::clients::run_program;

/// The package of an operating system, with the commands that install it.
pub(super) struct SystemPackage {
    commands: &'static [&'static [&'static str]],
}

/// Debian and Ubuntu.
const APT: SystemPackage = SystemPackage {
    commands: &[
        &["apt-get", "update", "-qq"],
        &["apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"],
    ],
};
/// Fedora and its relatives.
const DNF: SystemPackage =
    SystemPackage { commands: &[&["dnf", "install", "-y", "-q", "postgresql-server"]] };
/// Homebrew.
const BREW: SystemPackage = SystemPackage { commands: &[&["brew", "install", "--quiet", "postgresql@17"]] };

impl SystemPackage {
    /// Returns the package that this process has the right to install.
    ///
    /// Debian's and Fedora's are for root only. Homebrew refuses root.
    pub fn find() -> Option<SystemPackage> {
        let is_root = effective_uid() == 0;
        [(APT, true), (DNF, true), (BREW, false)]
            .into_iter()
            .find(|(package, for_root)| is_root == *for_root && package.is_available())
            .map(|(package, _)| package)
    }

    fn is_available(&self) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = self.commands[0][0];
        std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
    }

    /// Returns the package and its installer, for people.
    pub fn describe(&self) -> String {
        format!(
            "the system's package of PostgreSQL: {}",
            self.commands.last().unwrap_or(&&[""][..]).join(" ")
        )
    }

    /// Installs the package.
    pub fn install(&self) -> Result<()> {
        let scratch = tempfile::tempdir()?;
        for words in self.commands {
            let mut command = Command::new(words[0]);
            command.args(&words[1..]).env("DEBIAN_FRONTEND", "noninteractive").current_dir(Path::new("/"));
            run_program(&mut command, scratch.path()).with_context(|| words.join(" "))?;
        }
        Ok(())
    }
}
