# What a build needs beside cargo. Sourced by scripts/dev and scripts/test, after scripts/postgresql.sh.
#
# The engine needs cargo and a C toolchain; the development chain also perl and make, for the OpenSSL that it builds.

toolchain_require() {
    local missing="" program
    if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
        PATH=$HOME/.cargo/bin:$PATH
    fi
    command -v cargo >/dev/null || {
        echo "cargo is missing: install Rust (rust-version in Cargo.toml says which), see https://rustup.rs" >&2
        return 1
    }
    command -v cc >/dev/null || missing="$missing gcc libc6-dev"
    for program in perl make; do
        command -v $program >/dev/null || missing="$missing $program"
    done
    [ -z "$missing" ] && return 0
    if may_install; then
        echo "installing with apt:$missing" >&2
        # shellcheck disable=SC2086 # a list of packages
        apt_install $missing && return 0
    fi
    echo "these are missing, and may not be installed from here:$missing" >&2
    return 1
}

# Where cargo puts what it builds.
target_folder() {
    local folder=${CARGO_TARGET_DIR:-target}
    case $folder in /*) echo "$folder" ;; *) echo "$PWD/$folder" ;; esac
}
