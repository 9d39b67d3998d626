"""Python's finders in Spark's own archives, which each task has read anew.

A worker begins each task by having Python look at all places again that it has imported
from (`importlib.invalidate_caches`). Spark itself is imported from an archive, and for
each folder of it there is a finder that then reads the list of the whole archive: of
all the work for a partition that was most. The archives that a worker was started with
stay as they are, so their finders may be forgotten: the next import makes one anew, of
the list that was read at the start.
"""

from __future__ import annotations

import os
import sys
from zipimport import zipimporter


def forget_archives() -> None:
    """Forget the finders in the archives of this process's PYTHONPATH."""
    places = frozenset(os.environ.get("PYTHONPATH", "").split(os.pathsep))
    for place, finder in list(sys.path_importer_cache.items()):
        if isinstance(finder, zipimporter) and finder.archive in places:
            sys.path_importer_cache.pop(place, None)
