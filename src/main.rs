//! The binary `zmart`: everything it does is a subcommand of the library's `cli`.

use std::process::ExitCode;

/// Gives back what markets used that have come to rest, which the system's allocator keeps (docs/runtime.md).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    zmart::cli::run()
}
