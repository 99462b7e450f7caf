# Finds a Chromium that runs headless, or gets one. Sourced after scripts/postgresql.sh and scripts/node.sh; sets CHROMIUM.
#
# Looks at $CHROMIUM, PATH, the user's cache. Where there is none: apt, if this user may; else an npm package that carries the
# program and the libraries which a bare machine lacks, into the user's cache (it needs Node only to be unpacked).

CHROMIUM_VERSION=153.0.0
CHROMIUM_SHA256=20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0

chromium_store() {
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/zmart/chromium-$CHROMIUM_VERSION"
}

chromium_find() {
    local name program
    for name in ${CHROMIUM:+"$CHROMIUM"} chromium chromium-browser google-chrome google-chrome-stable "$(chromium_store)/chromium"; do
        program=$(command -v "$name") || continue
        # One that does not run here (a package's stub, another machine's) is none.
        if "$program" --version >/dev/null 2>&1; then
            CHROMIUM=$program
            return 0
        fi
    done
    return 1
}

chromium_by_apt() {
    may_install || return 1
    echo "installing Chromium with apt" >&2
    apt_install chromium >&2
}

chromium_by_npm() {
    [ "$(uname -m)" = x86_64 ] && npm_find || return 1
    echo "fetching Chromium as an npm package" >&2
    local fetched status
    fetched=$(mktemp -d)
    (cd "$fetched" && npm pack --silent "@sparticuz/chromium@$CHROMIUM_VERSION" >/dev/null) &&
        echo "$CHROMIUM_SHA256  $fetched/sparticuz-chromium-$CHROMIUM_VERSION.tgz" | sha256sum --check --quiet >&2 &&
        tar xzf "$fetched"/*.tgz -C "$fetched" && chromium_unpack "$fetched/package/bin"
    status=$?
    rm -rf "$fetched"
    return $status
}

# `chromium_unpack FOLDER`: what the package carries, laid into the store, and a program that finds its libraries there.
chromium_unpack() {
    local store file
    store=$(chromium_store)
    mkdir -p "$store/fonts" || return
    for file in chromium al2023.tar fonts.tar; do
        node -e 'const [, from, to] = process.argv;
            const { pipeline } = require("node:stream");
            const { createReadStream, createWriteStream } = require("node:fs");
            pipeline(createReadStream(from), require("node:zlib").createBrotliDecompress(), createWriteStream(to),
                (error) => { if (error) throw error; });' "$1/$file.br" "$store/$file.part" || return
    done
    tar xf "$store/al2023.tar.part" -C "$store" && tar xf "$store/fonts.tar.part" -C "$store" && rm "$store"/*.tar.part || return
    sed "s|<dir>/tmp/fonts</dir>|<dir>$store/fonts</dir>|" "$store/fonts.conf" >"$store/fonts/fonts.conf"
    chmod a+x "$store/chromium.part" && mv "$store/chromium.part" "$store/program" || return
    cat >"$store/chromium" <<'RUN'
#!/bin/sh
here=$(dirname "$0")
LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/lib
export LD_LIBRARY_PATH
[ -e /etc/fonts/fonts.conf ] || { FONTCONFIG_PATH=$here/fonts && export FONTCONFIG_PATH; }
exec "$here/program" "$@"
RUN
    chmod a+x "$store/chromium"
}

# Finds or gets it; exports CHROMIUM.
chromium_require() {
    chromium_find || { chromium_by_apt && chromium_find; } || { chromium_by_npm && chromium_find; } || {
        echo "Chromium is not installed, and there is no way to get it here:" >&2
        echo "install it (Debian: apt-get install chromium), or set CHROMIUM to the program." >&2
        return 1
    }
    export CHROMIUM
}
