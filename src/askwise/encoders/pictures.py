"""Bytes of an image file to an array of pixels, the same for every encoder of images."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderError
from ..records import Item
from .protocol import Contents

THREADS = min(4, os.cpu_count() or 1)


def decode_all(
    items: Sequence[Item], contents: Contents, prepare: Callable[[Any], NDArray[Any]], draft: int
) -> NDArray[Any]:
    """Decode the images of items in a few threads (Pillow works outside the interpreter lock).

    Parameters
    ----------
    items, contents
        The items and where their bytes are.
    prepare
        An upright RGB Pillow image to an array of a fixed shape.
    draft
        The size in pixels below which no JPEG is decoded: larger ones are halved while decoding, which is fast.

    Returns
    -------
    (b, ...) array

    Raises
    ------
    EncoderError
        If an image cannot be decoded, by its name.
    """
    from PIL import Image

    def one(item: Item) -> NDArray[Any]:
        content = contents.content(item)
        try:
            with Image.open(BytesIO(content)) as image:
                image.draft("RGB", (draft, draft))
                return prepare(upright_rgb(image))
        except Exception as error:  # Pillow's readers raise almost anything on damaged input
            raise EncoderError(f"{item.data.get('path', item.id)}: cannot be decoded: {error}") from error

    with warnings.catch_warnings(), ThreadPoolExecutor(THREADS) as threads:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return np.stack(list(threads.map(one, items)))


def upright_rgb(image: Any) -> Any:
    """The image as a person sees it: turned as its camera says, on white where transparent, 8 bits a channel.

    >>> from PIL import Image
    >>> upright_rgb(Image.new("LA", (2, 1), (0, 0))).getpixel((0, 0))
    (255, 255, 255)
    """
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):
        return _eight_bits(image).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _eight_bits(image: Any) -> Any:
    """16-bit and floating-point images, which Pillow would clip at 255, scaled into 8 bits."""
    from PIL import Image

    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I") and low >= 0:
        low, high = 0.0, 255.0 if high <= 255 else 65535.0 if high <= 65535 else high
    elif low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    scaled = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))
