#!/bin/sh
# Sets up what the Makefile needs, and says exactly what is missing where it cannot.
#
#   setup.sh packages         servers, compiler and headers the tests need
#   setup.sh engine           podman, to run containers with
#   setup.sh java             a JRE, which Spark runs on
#   setup.sh venv             .venv, made by $PYTHON
#   setup.sh install EXTRAS   routedb with these extras ("." for none), into .venv
#
# As root on a Debian-like system missing packages are installed; everywhere else the
# script names them and fails.
set -eu

cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}

can_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1
}

# Debian starts a server as soon as it is installed. The tests start their own, and a
# server nobody asked for may take the usual port of another: services stay down.
without_services() {
    policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then
        "$@"
        return
    fi
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    "$@"
    rm -f "$policy"
    trap - EXIT INT TERM
}

apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"
}

have_packages_listed() {
    find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mtime -1 2>/dev/null |
        grep -q .
}

need() {
    [ $# -gt 0 ] || return 0
    if ! can_install; then
        echo "routedb: missing on this machine: $*" >&2
        echo "routedb: (names of Debian packages; as root: apt-get install $*)" >&2
        exit 1
    fi
    echo "routedb: installing $*"
    have_packages_listed || apt update
    # Old lists name files that the mirror no longer has, so one more try with new ones.
    without_services apt install --no-install-recommends "$@" >/dev/null ||
        { apt update && without_services apt install --no-install-recommends "$@"; }
}

has_file() {
    for path in "$@"; do
        [ -e "$path" ] && return 0
    done
    return 1
}

has_server() { # NAME FOLDER...: is program NAME on the PATH or in a FOLDER?
    name=$1
    shift
    command -v "$name" >/dev/null 2>&1 && return 0
    for folder in "$@"; do
        [ -x "$folder/$name" ] && return 0
    done
    return 1
}

has_headers() {
    "$PYTHON" - <<'END'
import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))
END
}

missing_packages() {
    has_server postgres /usr/lib/postgresql/*/bin || echo postgresql
    has_server mariadbd /usr/sbin || has_server mysqld /usr/sbin || echo mariadb-server
    has_server etcd || echo etcd-server
    has_server patroni || echo patroni
    command -v gcc >/dev/null 2>&1 || echo gcc libc6-dev
    command -v pkg-config >/dev/null 2>&1 || echo pkg-config
    has_file /usr/include/mariadb/mysql.h /usr/include/mysql/mysql.h \
        /usr/local/include/mysql/mysql.h || echo libmariadb-dev
    has_headers || echo python3-dev
}

packages() {
    # shellcheck disable=SC2046  # one word is one package
    need $(missing_packages)
}

engine() {
    # shellcheck disable=SC2046
    need $(missing_for_engine)
}

java() {
    command -v java >/dev/null 2>&1 || [ -n "${JAVA_HOME:-}" ] || need default-jre-headless
}

missing_for_engine() {
    command -v podman >/dev/null 2>&1 || echo podman containernetworking-plugins
    command -v runc >/dev/null 2>&1 || echo runc
    command -v debootstrap >/dev/null 2>&1 || echo debootstrap
}

venv() {
    command -v "$PYTHON" >/dev/null 2>&1 || need python3
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
        echo "routedb: needs Python 3.10 or newer, $PYTHON is older" >&2
        exit 1
    }
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || need python3-venv
    [ -x .venv/bin/python ] || "$PYTHON" -m venv --clear .venv
}

pip() {
    PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip "$@"
}

# An environment of before has this checkout as the distribution `routedb`. Beside the new
# one it would own the same command, and take it along when it goes.
forget_old_name() {
    has_file .venv/lib/python*/site-packages/routedb-*.dist-info || return 0
    pip uninstall --quiet --yes routedb
    rm -rf routedb.egg-info
}

install() {
    case $1 in
    .) what=. stamp=core ;;
    bench | docs | spark | spark-connect) what=".[$1]" stamp=$1 ;;
    *) what=".[$1]" stamp=test ;;
    esac
    forget_old_name
    pip install --quiet -e "$what"
    touch ".venv/$stamp.stamp"
}

"$@"
