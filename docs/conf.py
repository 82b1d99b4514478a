"""The pages of `docs/` as a site: `make docs`."""

project = "jupyter_workspace"
author = "jupyter_workspace contributors"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "jupyter_workspace"
# A page is a Markdown file that also reads well where it stands.
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3
# Pages link to files of the repository, which are no pages.
suppress_warnings = ["myst.xref_missing"]
