//! The binary `zmart`: everything it does is a subcommand of the library's `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    zmart::cli::run()
}
