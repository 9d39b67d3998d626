"""Sphinx's settings: `make docs` writes the pages to docs/_build/html."""

from __future__ import annotations

import routedb

project = "routedb"
author = "the routedb authors"
version = release = routedb.__version__

extensions = ["sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
# The pages are read as plain text, too: `name` in a docstring is code.
default_role = "code"
highlight_language = "none"

html_theme = "alabaster"
html_theme_options = {
    "description": "One connection over many databases",
    "fixed_sidebar": True,
    "page_width": "60rem",
    "sidebar_width": "14rem",
}
html_show_copyright = False
html_show_sourcelink = False

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True

# Nothing is looked up in other projects' pages, which would need a network. Type
# variables have no entry, nor has the engine, whose link a cursor has.
nitpick_ignore_regex = [
    ("py:.*", r"(?!routedb\b).*"),
    ("py:.*", r"routedb\.(engine|adapters)\..*"),
    ("py:.*", r"routedb\.(\w+\.)+(Made|Self|T)"),
]
