"""Panels that a notebook shows in its outputs: the files that came in, and those that were made.

Bytes go from the browser to the server over HTTP; none pass through the kernel or into the notebook.
"""

from __future__ import annotations

from jupyter_workspace.widgets.panels import ArtifactList, AttachmentPanel

__all__ = ["ArtifactList", "AttachmentPanel"]
