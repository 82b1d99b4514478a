"""Objects of a notebook as files: which object can be written under which ending, and how.

Libraries are recognised by the object's class, never imported: who has an object of a library has the
library. Not here: where the file goes and how it becomes known (`workspace.py`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["write_object"]

#: Media types by ending, for objects that can display themselves. Not from the system's tables, which differ.
MIME_OF_ENDING = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".tex": "text/latex",
}

#: IPython's display methods (its guide, *Rich display*) by the media type that they give.
DISPLAY_METHODS = {
    "image/png": "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
    "image/svg+xml": "_repr_svg_",
    "application/pdf": "_repr_pdf_",
    "text/html": "_repr_html_",
    "application/json": "_repr_json_",
    "text/markdown": "_repr_markdown_",
    "text/latex": "_repr_latex_",
}

PANDAS_WRITERS = {
    ".csv": "to_csv",
    ".tsv": "to_csv",
    ".json": "to_json",
    ".parquet": "to_parquet",
    ".feather": "to_feather",
    ".xlsx": "to_excel",
    ".html": "to_html",
}

POLARS_WRITERS = {
    ".csv": "write_csv",
    ".tsv": "write_csv",
    ".json": "write_json",
    ".ndjson": "write_ndjson",
    ".parquet": "write_parquet",
    ".feather": "write_ipc",
    ".xlsx": "write_excel",
}

#: Methods that take a path and go by its ending, in order; the last ones serve one kind of ending.
PATH_METHODS = ("savefig", "save", "to_file", "write_image", "write_html")

Writer = Callable[[Path], object]


def write_object(value: object, path: Path) -> None:
    """Writes an object to a path in the form that the path's ending names.

    TypeError when that cannot be done, with what would work; ImportError when a library that the
    form needs is missing.
    """
    writer = _writer(value, path.suffix.lower())
    try:
        writer(path)
    except ValueError as error:
        # Drawing libraries say so that they do not know an ending.
        raise TypeError(f"{_kind(value)} cannot be written as {path.suffix!r}: {error}") from error


def _writer(value: object, ending: str) -> Writer:
    for recognise in (_plain, _frame, _array, _figure, _shown, _saved):
        writer = recognise(value, ending)
        if writer is not None:
            return writer
    raise TypeError(
        f"{_kind(value)} cannot be written as {ending or 'a file without an ending'!r}. "
        f"{_what_works(value)} Or write the file yourself and call register(path)."
    )


def _kind(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


def _is(value: object, library: str, *names: str) -> bool:
    return any(
        base.__module__.partition(".")[0] == library and (not names or base.__name__ in names)
        for base in type(value).__mro__
    )


def _what_works(value: object) -> str:
    if _is(value, "pandas") or _is(value, "polars"):
        return f"Endings that work: {', '.join(PANDAS_WRITERS if _is(value, 'pandas') else POLARS_WRITERS)}."
    if _is(value, "numpy"):
        return "Endings that work: .npy, .npz, .csv, .txt."
    if isinstance(value, dict | list | tuple | int | float | None):
        return "The ending that works is .json."
    if isinstance(value, Path):
        return "A path is no content: register(path) takes the file as it is."
    return "What works: figures, images, data frames, arrays, bytes, text, and what displays or saves itself."


# --- plain Python -------------------------------------------------------------------------------


def _plain(value: object, ending: str) -> Writer | None:
    if isinstance(value, bytes | bytearray | memoryview):
        return lambda path: path.write_bytes(value)
    if isinstance(value, str):
        return lambda path: path.write_text(value, encoding="utf-8", newline="")
    if isinstance(value, dict | list | tuple | int | float | None) and ending == ".json":
        # Made first: what has no JSON form must not leave half a file.
        text = json.dumps(value, ensure_ascii=False, indent=2, default=_plain_value)
        return lambda path: path.write_text(text + "\n", encoding="utf-8")
    return None


def _plain_value(value: object) -> object:
    if callable(convert := getattr(value, "tolist", None)):
        return convert()
    raise TypeError(f"{_kind(value)} has no form in JSON.")


# --- frames and arrays --------------------------------------------------------------------------


def _frame(value: Any, ending: str) -> Writer | None:
    if _is(value, "pandas", "DataFrame", "Series") and ending in PANDAS_WRITERS:
        return lambda path: _write_pandas(value, path, ending)
    if _is(value, "polars", "DataFrame") and ending in POLARS_WRITERS:
        options = {"separator": "\t"} if ending == ".tsv" else {}
        return lambda path: getattr(value, POLARS_WRITERS[ending])(path, **options)
    return None


def _write_pandas(frame: Any, path: Path, ending: str) -> None:
    value = frame.to_frame() if _is(frame, "pandas", "Series") else frame
    options: dict[str, Any] = {}
    if ending in {".csv", ".tsv", ".xlsx", ".html"}:
        # A counted index says nothing that the lines do not say.
        options["index"] = type(value.index).__name__ != "RangeIndex"
    if ending == ".tsv":
        options["sep"] = "\t"
    if ending == ".json":
        options["orient"] = "records"
    try:
        getattr(value, PANDAS_WRITERS[ending])(path, **options)
    except ImportError as error:
        raise ImportError(f"{ending} needs a library that this kernel lacks: {error}") from error


def _array(value: Any, ending: str) -> Writer | None:
    if not _is(value, "numpy", "ndarray"):
        return None
    import numpy as np  # noqa: PLC0415 - here an array shows that it is there

    if ending == ".npy":
        return lambda path: np.save(path, value, allow_pickle=False)
    if ending == ".npz":
        return lambda path: np.savez_compressed(path, value)
    if ending in {".csv", ".txt"}:
        return lambda path: np.savetxt(path, value, delimiter="," if ending == ".csv" else " ")
    return None


# --- pictures, and whatever shows or saves itself --------------------------------------------------


def _figure(value: Any, ending: str) -> Writer | None:
    figure = value if hasattr(value, "savefig") else getattr(value, "figure", None)
    save = getattr(figure, "savefig", None)
    if not ending or not callable(save):
        return None
    # The notebook shows figures cut to their content: the file looks the same.
    options = {"bbox_inches": "tight"} if _is(figure, "matplotlib") else {}
    return lambda path: save(path, **options)


def _shown(value: object, ending: str) -> Writer | None:
    mime = MIME_OF_ENDING.get(ending)
    if mime is None or isinstance(value, type):
        return None
    shown = _called(value, DISPLAY_METHODS.get(mime, ""))
    if shown is None:
        bundle = _called(value, "_repr_mimebundle_")
        # A display method may give its metadata beside the data.
        bundle = bundle[0] if isinstance(bundle, tuple) else bundle
        shown = bundle.get(mime) if isinstance(bundle, dict) else None
    shown = shown[0] if isinstance(shown, tuple) else shown
    return None if shown is None else lambda path: path.write_bytes(_bytes(shown, mime))


def _called(value: object, method: str) -> Any:
    call = getattr(value, method, None) if method else None
    return call() if callable(call) else None


def _bytes(shown: object, mime: str) -> bytes:
    if isinstance(shown, bytes):
        return shown
    if not isinstance(shown, str):
        return json.dumps(shown, ensure_ascii=False, indent=2, default=_plain_value).encode()
    # In a bundle pictures are base64 (nbformat, *display_data*), SVG is text.
    is_text = mime.startswith("text/") or mime in {"image/svg+xml", "application/json"}
    return shown.encode() if is_text else base64.b64decode(shown)


def _saved(value: object, ending: str) -> Writer | None:
    if not ending or isinstance(value, type):
        return None
    for name in PATH_METHODS:
        if name == "write_html" and ending != ".html":
            continue
        if callable(save := getattr(value, name, None)):
            return lambda path, save=save: save(str(path))  # type: ignore[misc]
    return None
