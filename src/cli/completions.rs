//! `zmart completions` and `zmart man`: what shells and `man` want to know of the commands, made from their one definition.

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap_complete::{Shell, generate};

use super::examples;

/// The program's name.
const NAME: &str = "zmart";

/// Arguments of `zmart completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// For which shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Arguments of `zmart man`.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// Write the pages of all commands into this folder (made where it is missing), instead of one page here.
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
}

/// Prints the shell's script.
pub fn complete(arguments: &Completions) -> ExitCode {
    let mut script = Vec::new();
    generate(arguments.shell, &mut examples::command(), NAME, &mut script);
    printed(&script)
}

/// Prints the page, or writes all of them.
pub fn man(arguments: &Man) -> ExitCode {
    let done = match &arguments.into {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(examples::command()).render(&mut page).map(|()| page)
        }
        Some(folder) => std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(examples::command(), folder))
            .map(|()| Vec::new()),
    };
    match done {
        Ok(page) => printed(&page),
        Err(error) => {
            eprintln!("the pages can't be written: {error}");
            ExitCode::FAILURE
        }
    }
}

fn printed(text: &[u8]) -> ExitCode {
    match std::io::stdout().lock().write_all(text) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read it has closed it.
        Err(_) => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_the_completions_of_every_shell() {
        let command = examples::command();
        let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        assert!(names.len() > 15);
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            generate(shell, &mut examples::command(), NAME, &mut script);
            let script = String::from_utf8(script).unwrap();
            for name in &names {
                assert!(script.contains(name), "{name} for {shell}");
            }
        }
    }

    #[test]
    fn every_command_has_a_page_and_no_page_holds_a_value_of_this_environment() {
        let folder = std::env::temp_dir().join(format!("zmart-man-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        assert_eq!(format!("{:?}", man(&Man { into: Some(folder.clone()) })), format!("{:?}", ExitCode::SUCCESS));
        for command in examples::command().get_subcommands() {
            let page = folder.join(format!("{NAME}-{}.1", command.get_name()));
            let text = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
            assert!(text.contains(".TH ") && text.contains("Examples"), "{}", page.display());
            // A page says which variable it is, and not what it is here.
            assert!(!text.contains("[env: "), "{text}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
