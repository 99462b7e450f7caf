# What the scripts of the console need: Node's packages, Chromium, and the arena. Sourced, in the repository's folder.

# Sets `modules`, the folder with the scripts beside their packages, and CHROMIUM. Ends the script where Node or a browser can't be
# had.
console_browser() {
    local lock
    . scripts/postgresql.sh
    . scripts/node.sh
    . scripts/chromium.sh
    npm_require && chromium_require || exit 1
    lock=$(sha256sum scripts/console/package-lock.json)
    modules=${XDG_CACHE_HOME:-$HOME/.cache}/zmart/console-${lock:0:12}
    if [ ! -e "$modules/complete" ]; then
        mkdir -p "$modules"
        cp scripts/console/package.json scripts/console/package-lock.json "$modules/"
        npm ci --prefix "$modules" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
        touch "$modules/complete"
    fi
    cp scripts/console/*.mjs "$modules/"
}

# All that, and ZMART_ARENA_BIN.
console_require() {
    console_browser
    . scripts/toolchain.sh
    toolchain_require
    postgresql_require
    if [ -z "${ZMART_LOCALNET_BIN:-}" ]; then
        cargo build -p zmart-localnet >&2
        ZMART_LOCALNET_BIN=$(target_folder)/debug/zmart-localnet
        export ZMART_LOCALNET_BIN
    fi
    cargo build -p zmart -p zmart-testkit --bin zmart --bin zmart-arena >&2
    ZMART_ARENA_BIN=$(target_folder)/debug/zmart-arena
    export ZMART_ARENA_BIN
}
