#!/bin/sh
# Runs a command with the tests' servers in containers:  containers.sh COMMAND...
#
# A Docker engine that answers is used as it is. Where there is none, root gets one from
# Debian: podman, with a socket of its own and settings that need no systemd.
set -eu

cd "$(dirname "$0")/.."
python=.venv/bin/python
work=$(mktemp -d)
service=

clean() {
    [ -z "$service" ] || kill "$service" 2>/dev/null || true
    rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

engine_answers() {
    "$python" -c 'import docker; docker.from_env(timeout=5).ping()' 2>/dev/null
}

start_engine() {
    sh tools/setup.sh engine
    cat >"$work/containers.conf" <<END
[containers]
default_ulimits = ["nofile=4000:4000", "nproc=4000:4000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
END
    export DOCKER_HOST="unix://$work/podman.sock"
    CONTAINERS_CONF="$work/containers.conf" \
        podman system service --time 0 "$DOCKER_HOST" >"$work/log" 2>&1 &
    service=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        engine_answers && return
        sleep 1
    done
    cat "$work/log" >&2
    echo "routedb: no Docker engine answers, and podman did not start" >&2
    exit 1
}

engine_answers || start_engine
"$python" -m tests.support.servers.images
ROUTEDB_TEST_CONTAINERS=1 "$@"
