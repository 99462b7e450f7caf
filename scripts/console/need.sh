# What the scripts of the console need: Node's packages, Chromium, and the arena. Sourced, in the repository's folder.

# A browser of that kind, by whatever name: sets CHROMIUM.
browser_find() {
    local name
    for name in ${CHROMIUM:+"$CHROMIUM"} chromium chromium-browser google-chrome google-chrome-stable; do
        CHROMIUM=$(command -v "$name") && return 0
    done
    return 1
}

# Exits with 2 where Node is missing or too old, with 3 where there is no browser. Sets `modules`, the folder with the scripts
# beside their packages, and CHROMIUM.
console_browser() {
    local program lock
    for program in node npm; do
        command -v $program >/dev/null || { echo "$program is missing" >&2 && exit 2; }
    done
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' || { echo "Node 18 or newer is needed" >&2 && exit 2; }
    lock=$(sha256sum scripts/console/package-lock.json)
    modules=${XDG_CACHE_HOME:-$HOME/.cache}/zmart/console-${lock:0:12}
    if [ ! -e "$modules/complete" ]; then
        mkdir -p "$modules"
        cp scripts/console/package.json scripts/console/package-lock.json "$modules/"
        npm ci --prefix "$modules" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
        touch "$modules/complete"
    fi
    cp scripts/console/*.mjs "$modules/"
    . scripts/postgresql.sh
    if ! browser_find && may_install; then
        apt_install chromium >/dev/null 2>&1 || true
    fi
    browser_find || { echo "Chromium is missing, and could not be installed: set CHROMIUM to one" >&2 && exit 3; }
    export CHROMIUM
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
