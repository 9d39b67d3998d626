"""The images that the tests' containers are made of.

`python -m tests.support.servers.images` gets them ready: it pulls the usual ones or,
where no image registry can be reached, builds one from Debian's packages. That takes
minutes, so it happens before the tests and not in them.
"""

from __future__ import annotations

import subprocess
import tempfile

import docker

PULLED = {"postgres": "postgres:15", "mysql": "mariadb:10.11"}
# The suite is in the name because podman loses the tag of an imported image.
BUILT = "routedb-test-servers-bookworm"
PACKAGES = "postgresql,mariadb-server"
# Documentation, package lists and the servers' own first data stay out of the image.
LEFT_OUT = ["usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache"]
LEFT_OUT += ["var/lib/apt/lists", "var/lib/mysql", "var/lib/postgresql", "proc", "sys"]


def image_for(user: str) -> str:
    """Return the image that runs servers as this user, which must be there already."""
    client = docker.from_env()
    try:
        for name in (PULLED[user], BUILT):
            if _has(client, name):
                return name
    finally:
        client.close()
    raise LookupError(f"no image with servers of {user}: use `make test-containers`")


def prepare() -> None:
    """Have all images ready: found, pulled or built."""
    client = docker.from_env(timeout=600)
    try:
        if not _has(client, BUILT) and not all(
            _has(client, name) or _pull(client, name) for name in PULLED.values()
        ):
            _build(client)
    finally:
        client.close()


def _has(client: docker.DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except docker.errors.ImageNotFound:
        return False
    return True


def _pull(client: docker.DockerClient, name: str) -> bool:
    print(f"pulling {name}", flush=True)
    try:
        client.images.pull(name)
    except docker.errors.DockerException as error:
        print(f"that failed: {str(error).splitlines()[0]}", flush=True)
        return False
    return True


def _build(client: docker.DockerClient) -> None:
    """Make a small Debian with both servers in it; needs root and debootstrap."""
    print(f"building {BUILT} from Debian's packages", flush=True)
    with tempfile.TemporaryDirectory(prefix="routedb-image-") as folder:
        root, archive = f"{folder}/root", f"{folder}/image.tar"
        _run(
            *("debootstrap", "--variant=minbase", f"--include={PACKAGES}"),
            *("bookworm", root, _mirror()),
        )
        exclude = [f"--exclude=./{path}/*" for path in LEFT_OUT]
        _run("tar", "-C", root, *exclude, "-cf", archive, ".")
        client.api.import_image_from_file(archive, repository=BUILT)


def _mirror() -> str:
    """Return the mirror this machine takes its own packages from."""
    sites = _run("apt-get", "indextargets", "--format", "$(SITE)", "Codename: bookworm")
    return sites.split()[0]


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(
            f"{' '.join(argv)} failed:\n{done.stdout[-4000:]}{done.stderr}"
        )
    return done.stdout


if __name__ == "__main__":
    prepare()
