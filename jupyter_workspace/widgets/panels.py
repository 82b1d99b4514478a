"""The panels: an anywidget each, whose front end is the same as that of the sidebar.

A traits' value is an id or an option, never a file's content. Besides the widget's own form an output
carries ours, which the JupyterLab extension shows without asking the kernel, and a plain table.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import anywidget
import traitlets

from jupyter_workspace import errors
from jupyter_workspace.client.handle import FileHandle
from jupyter_workspace.client.kernel import current
from jupyter_workspace.client.workspace import Workspace
from jupyter_workspace.models.event import Event
from jupyter_workspace.widgets.live import Follower, LiveList, in_kernel

__all__ = ["ArtifactList", "AttachmentPanel"]

MIME = "application/vnd.jupyter-workspace.v1+json"
_STATIC = Path(__file__).parent.parent / "static"

OnUpload = Callable[[FileHandle], object]


class _Panel(anywidget.AnyWidget):
    """What both panels share: a session, its list, and news of it."""

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget-style.css"

    view: ClassVar[Literal["attachments", "artifacts"]]

    #: What the front end is told: ids and options.
    data = traitlets.Dict(read_only=True).tag(sync=True)
    #: What stands in an output that reaches no server.
    fallback = traitlets.Unicode("This panel needs a Jupyter server with jupyter_workspace.").tag(sync=True)
    #: The files, in the order in which they came: asked for at each look; to be observed.
    files = LiveList(read_only=True)

    def __init__(self, session: str | None = None, **options: Any) -> None:
        super().__init__()
        self._workspace = current(session)
        self._callbacks: list[OnUpload] = []
        self._follower: Follower | None = None
        #: How much news has come, and how much of it the list last read is sure to show.
        self._told = self._read = 0
        record = self._workspace.session
        title = Path(record.notebook_path).name if record.notebook_path else record.name
        place = {"v": 1, "view": self.view, "session_id": record.session_id, "title": title}
        self.set_trait("data", {**place, **options})

    @property
    def workspace(self) -> Workspace:
        """The session whose files these are."""
        return self._workspace

    def refresh(self) -> None:
        """Brings `files` up to date; those who observe it hear of a change."""
        self._look()

    def _look(self) -> bool:
        """Whether the list could be read."""
        # While traitlets sets the widget up there is no session yet.
        workspace = self.__dict__.get("_workspace")
        if workspace is None:
            return False
        try:
            # `list` by itself would ask how many there are first.
            files = list(iter(getattr(workspace, self.view)))
        except errors.ServerUnreachable:
            return False
        self.set_trait("files", files)
        return True

    def observe(
        self,
        handler: Callable[..., Any],
        names: Any = traitlets.All,
        type: Any = "change",  # noqa: A002 - the name that traitlets gave it
    ) -> None:
        """Calls `handler` when a trait changes; from now on `files` changes by itself."""
        wanted = [names] if isinstance(names, str) else names
        if wanted is traitlets.All or "files" in wanted:
            # First the list of now, so that the first change told is one.
            self._hear()
        super().observe(handler, names, type)

    def close(self) -> None:
        """Takes the panel out of the notebook; nothing more is heard."""
        if self._follower is not None:
            self._follower.stop()
        super().close()

    def _hear(self) -> None:
        if self._follower is None and "_workspace" in self.__dict__:
            self.refresh()
            self._follower = Follower(self._workspace.session_id, self._heard)
            self._follower.start()

    def _heard(self, event: Event) -> None:
        self._told += 1
        number = self._told
        in_kernel(lambda: self._happened(event, number))

    def _happened(self, event: Event, number: int) -> None:
        # A cell that wrote a thousand files is followed by a thousand events, and by one look at the list.
        if number > self._read:
            told = self._told
            if self._look():
                self._read = told
        if (event.change_type, event.source) != ("created", "upload"):
            return
        # The list was read just now; a file that is in it no more has gone again.
        for file in self._trait_values.get("files", []):
            if file.attachment_id == event.attachment_id:
                for callback in list(self._callbacks):
                    callback(file)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        table = getattr(self._workspace, self.view)
        ours = {MIME: self.data, "text/html": table._repr_html_(), "text/plain": repr(table)}
        return {**data, **ours}, metadata


class AttachmentPanel(_Panel):
    """A place to bring files in, and the list of those that came.

        panel = jw.AttachmentPanel(accept=".csv", on_upload=lambda file: print(file.name))
        panel.files[-1].local_path

    session: a session's id, None for this notebook's. accept: as in HTML, `.csv,image/*`; empty for any
    type. multiple: whether several files may be chosen at once. max_size: in bytes, 0 for any. on_upload:
    called with each file that was uploaded, between two cells. Raises what `current` raises.
    """

    view = "attachments"

    #: What is taken. Read-only: a panel that stands on a page does not hear of the kernel, so make a new one.
    accept = traitlets.Unicode(read_only=True)
    multiple = traitlets.Bool(default_value=True, read_only=True)
    #: In bytes; 0 for any size.
    max_size = traitlets.Int(read_only=True)

    def __init__(
        self,
        session: str | None = None,
        *,
        accept: str = "",
        multiple: bool = True,
        max_size: int = 0,
        on_upload: OnUpload | None = None,
    ) -> None:
        taken = {"accept": accept, "multiple": multiple, "max_size": max_size}
        super().__init__(session, **taken)
        for name, value in taken.items():
            self.set_trait(name, value)
        if on_upload is not None:
            self.on_upload(on_upload)

    def on_upload(self, callback: OnUpload, *, remove: bool = False) -> Self:
        """Calls `callback` with each file that is uploaded from now on; with `remove`, no longer."""
        if remove:
            self._callbacks.remove(callback)
        else:
            self._callbacks.append(callback)
            self._hear()
        return self


class ArtifactList(_Panel):
    """The list of what was made here, as it comes.

    session: a session's id, None for this notebook's. Raises what `current` raises.
    """

    view = "artifacts"

    def __init__(self, session: str | None = None) -> None:
        super().__init__(session)
