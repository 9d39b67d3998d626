"""The pages of docs/, built by Sphinx once for all tests that read them."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from docutils import nodes

from tests.docs.readme import ROOT, Block

DOCS = ROOT / "docs"


@cache
def built() -> dict[str, nodes.document]:
    """Build the HTML of all pages; whatever Sphinx warns of is an error.

    Returns what it has read, by the name of the page.
    """
    with tempfile.TemporaryDirectory() as folder:
        sphinx = [sys.executable, "-m", "sphinx", "-q", "-W", "-n", "--keep-going"]
        done = subprocess.run(
            [*sphinx, "-b", "html", str(DOCS), folder],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return {
            path.stem: pickle.loads(path.read_bytes())
            for path in Path(folder, ".doctrees").glob("*.doctree")
        }


def blocks(name: str) -> list[Block]:
    """Return the code blocks of a page, in its order."""
    return [
        Block(found.get("language", ""), found.astext())
        for found in built()[name].findall(nodes.literal_block)
    ]
