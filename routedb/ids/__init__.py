"""Keys for rows of any shard, made without asking a database: 64-bit numbers that grow
with time.

`Generator` makes them, with the number of this process among all that do: one that is
given, or one that `Lease` borrows from a table. `parts` takes one apart.
"""

from routedb.ids.lease import Lease
from routedb.numbering.generator import Generator
from routedb.numbering.layout import MOST_NODES, Parts, parts

__all__ = ["MOST_NODES", "Generator", "Lease", "Parts", "parts"]
