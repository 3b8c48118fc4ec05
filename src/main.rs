//! The program: reads the command line and runs one command. What each does is in `cli/`.

use std::process::ExitCode;

use otto::cli;

fn main() -> ExitCode {
    cli::run(cli::parse())
}
