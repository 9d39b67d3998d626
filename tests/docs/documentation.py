"""The pages of docs/, built by Sphinx once for all tests that read them."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from fcntl import LOCK_EX, flock
from functools import cache
from pathlib import Path

from docutils import nodes

from tests.docs.readme import ROOT, Block

DOCS = ROOT / "docs"


# What was read in this run of the tests, for its other processes.
KEPT = ROOT / ".pytest_cache/d/docs"
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID")


@cache
def built() -> dict[str, nodes.document]:
    """Build the HTML of all pages; whatever Sphinx warns of is an error.

    Returns what it has read, by the name of the page. The first process of a run that
    asks does it for all.
    """
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        of_run, pages = KEPT / "run", KEPT / "pages"
        if RUN is None or not of_run.exists() or of_run.read_text() != RUN:
            of_run.unlink(missing_ok=True)
            pages.write_bytes(_build())
            of_run.write_text(RUN or "")
        return dict(pickle.loads(pages.read_bytes()))


def _build() -> bytes:
    """Return the pages that Sphinx has read, pickled."""
    with tempfile.TemporaryDirectory() as folder:
        sphinx = [sys.executable, "-m", "sphinx", "-q", "-W", "-n", "--keep-going"]
        done = subprocess.run(
            [*sphinx, "-b", "html", str(DOCS), folder],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return pickle.dumps(
            {
                path.stem: pickle.loads(path.read_bytes())
                for path in Path(folder, ".doctrees").glob("*.doctree")
            }
        )


def blocks(name: str) -> list[Block]:
    """Return the code blocks of a page, in its order."""
    return [
        Block(found.get("language", ""), found.astext())
        for found in built()[name].findall(nodes.literal_block)
    ]
