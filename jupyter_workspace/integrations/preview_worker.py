"""The program that decodes users' files for previews: a process of its own, with little to break.

It reads a request on standard input, one line `{"kind", "size", "pixels"}` and then `size` bytes, and
writes an answer: the length of the bytes as a decimal line and then the bytes, or a negative number: -1 for
what cannot be read, -2 for what takes too much memory.
Limits of memory and time are set before the first file is opened, so that a bomb ends this process and
nothing else; whoever runs it starts another.
"""

from __future__ import annotations

import io
import json
import resource
import sys
import warnings
from typing import Any

#: What may be written to, and what may be addressed: libraries need more of that than they use.
DATA_BYTES = 224 * 2**20
MEMORY_BYTES = 512 * 2**20
#: A picture says that it has at most so many pixels, and takes at most so many bytes when it is decoded.
MAX_PIXELS = 256 * 2**20
MAX_DECODED_BYTES = 160 * 2**20
MAX_CELLS = 50
MAX_SOURCE = 4000


def _image(content: bytes, pixels: int) -> bytes:
    """A WebP of at most `pixels` on its longer side; the first frame of an animation."""
    from PIL import Image  # noqa: PLC0415  (an extra)

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        return _small(content, pixels)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise MemoryError(str(error)) from error


def _small(content: bytes, pixels: int) -> bytes:
    from PIL import Image, ImageOps  # noqa: PLC0415  (an extra)

    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(
            io.BytesIO(content), formats=("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "ICO")
        ) as image:
            # A JPEG can be read at an eighth of its size; for any other picture this does nothing.
            image.draft("RGB", (pixels, pixels))
            bytes_a_pixel = 1 if image.mode in {"1", "L", "P"} else 4
            if image.width * image.height * bytes_a_pixel > MAX_DECODED_BYTES:
                raise MemoryError(image.size)
            image.thumbnail((pixels, pixels))
            # Turned when it is small, and in its place: a copy of the large one would take as much again.
            ImageOps.exif_transpose(image, in_place=True)
            return _webp(image)


def _pdf(content: bytes, pixels: int) -> bytes:
    """The first page, as wide or high as `pixels`."""
    import pypdfium2  # noqa: PLC0415  (an extra)

    document = pypdfium2.PdfDocument(content)
    page = document[0]
    bitmap = page.render(scale=pixels / max(page.get_width(), page.get_height(), 1))
    return _webp(bitmap.to_pil())


def _webp(image: Any) -> bytes:
    if image.mode not in {"RGB", "RGBA"}:
        image = image.convert("RGBA" if "transparency" in image.info or image.mode in {"LA", "PA"} else "RGB")
    target = io.BytesIO()
    image.save(target, "WEBP", quality=80, method=2)
    return target.getvalue()


def _notebook(content: bytes, _pixels: int) -> bytes:
    """The kinds and sources of the first cells."""
    cells = json.loads(content)["cells"]
    shown = [
        {"type": str(cell["cell_type"]), "source": "".join(cell["source"])[:MAX_SOURCE]}
        for cell in cells[:MAX_CELLS]
    ]
    return json.dumps({"cells": shown, "truncated": len(cells) > MAX_CELLS}).encode()


KINDS = {"image": _image, "pdf": _pdf, "notebook": _notebook}


def main() -> None:
    """Answers requests until standard input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_DATA, (DATA_BYTES, DATA_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        given = sys.stdin.buffer.read(asked["size"])
        try:
            content = KINDS[asked["kind"]](given, asked["pixels"])
        except MemoryError:
            sys.stdout.buffer.write(b"-2\n")
        except Exception:  # noqa: BLE001  (whatever a decoder raises, the file cannot be shown)
            sys.stdout.buffer.write(b"-1\n")
        else:
            sys.stdout.buffer.write(b"%d\n%b" % (len(content), content))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
