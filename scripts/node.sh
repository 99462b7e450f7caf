# Finds Node (18 or newer), or gets it. Sourced after scripts/postgresql.sh by scripts that run tests. Of Node alone: no
# package is needed, so no npm.

NODE_NEEDED=18

node_find() {
    local version
    version=$(node --version 2>/dev/null) && version=${version#v} && [ "${version%%.*}" -ge "$NODE_NEEDED" ]
}

node_by_apt() {
    may_install || return 1
    echo "installing Node with apt" >&2
    apt_install nodejs >&2
}

# Finds or gets it.
node_require() {
    node_find || { node_by_apt && node_find; } || {
        echo "Node $NODE_NEEDED or newer is not installed, and there is no way to get it here:" >&2
        echo "install it (Debian, Ubuntu: apt-get install nodejs; others: https://nodejs.org)." >&2
        return 1
    }
}
