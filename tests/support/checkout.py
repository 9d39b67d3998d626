"""The files of this checkout: those git has, or those of an unpacked distribution."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def files() -> list[str]:
    """Return the paths of a clone, with what is not committed yet."""
    if (ROOT / ".git").exists():
        asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        found = subprocess.run(
            asked, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    else:
        found = (ROOT / "routedb_driver.egg-info" / "SOURCES.txt").read_text()
    return sorted(name for name in found.splitlines() if (ROOT / name).is_file())


def copy_checkout(target: Path) -> Path:
    """Copy what `files` names to the folder `target`, made for it; return `target`."""
    for name in files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
    return target
