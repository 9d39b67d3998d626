"""A host name with several addresses, for a program that is run in its own process.

Nothing of this machine is changed for that: a library of ours, made by the C compiler
that the drivers are built with, resolves the name in that process.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("host_name.c")


def environment(folder: Path, name: str, addresses: list[str]) -> dict[str, str]:
    """Return the variables that give `name` these addresses, in turn."""
    library = folder / "host_name.so"
    build = ["cc", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(build, check=True)
    return {
        "LD_PRELOAD": str(library),
        "NAME": name,
        "NAME_ADDRESSES": ",".join(addresses),
    }
