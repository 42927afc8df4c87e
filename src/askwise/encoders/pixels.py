"""Images as their pixels, small and decorrelated: no model, quick, good enough for simple pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderError
from ..records import Item
from .axes import principal_axes
from .pictures import decode_all
from .protocol import Base, Batches, sample

FIT_ITEMS = 5_000
CHUNK = 512


class Pixels(Base):
    """Images at 32 x 32, grey if all are grey, standardised, on their first 64 principal components.

    Serves digits, symbols and other simple pictures in the same place; photographs want a network (``onnx:PATH``).

    Parameters
    ----------
    size
        Side of the small image in pixels.
    dim
        The most numbers an embedding has; a small pool gives fewer.

    Notes
    -----
    Formula: (x - mean) / s projected on the principal axes, where the mean is each pixel's own and s is one number,
    the root mean square deviation of all pixels: a scale for each pixel would blow up the noise of pixels that
    hardly ever change. Fitted on at most 5,000 images, which also decide whether all are grey.
    """

    name: ClassVar[str] = "pixels"
    kinds: ClassVar[tuple[str, ...]] = ("images",)
    shards_at_once: ClassVar[int] = 1

    def __init__(self, size: int = 32, dim: int = 64) -> None:
        super().__init__(size=size, dim=dim)
        if size < 1 or dim < 1:
            raise EncoderError(f"pixels: size and dim must be at least 1, not {size} and {dim}")
        self._grey = False
        self._mean: NDArray[np.float32] | None = None
        self._axes: NDArray[np.float32] | None = None

    def fit(self, batches: Batches, n: int, seed: int = 0) -> None:
        """Learn the mean, the scale and the axes from at most 5,000 of the images."""
        pixels = self._decode(sample(batches, n, FIT_ITEMS, seed))
        if len(pixels) == 0:
            raise EncoderError("pixels: there is no image to fit to")
        self._grey = bool((pixels[..., :1] == pixels).all())
        X = self._flat(pixels)
        self._mean = X.mean(axis=0, dtype=np.float64).astype(np.float32)
        X -= self._mean
        scale = float(np.sqrt(np.mean(np.square(X), dtype=np.float64)))
        axes = principal_axes(X, self.settings["dim"], seed)
        self._axes = axes / np.float32(scale if scale > 1e-4 else 1.0)
        self._dim = self._axes.shape[1]

    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """Embeddings (b, dim)."""
        if self._axes is None or self._mean is None:
            raise EncoderError("pixels: fit it first")
        out = np.empty((len(items), self.dim), dtype=np.float32)
        for start in range(0, len(items), CHUNK):
            part = slice(start, start + CHUNK)
            out[part] = (self._flat(self._decode(items[part])) - self._mean) @ self._axes
        return out

    def _decode(self, items: Sequence[Item]) -> NDArray[np.uint8]:
        from PIL import Image

        side = self.settings["size"]
        if not items:
            return np.empty((0, side, side, 3), dtype=np.uint8)

        def shrink(image: Any) -> NDArray[np.uint8]:
            return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR), dtype=np.uint8)

        return decode_all(items, self._contents(), shrink, draft=2 * side)

    def _flat(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        values = pixels.astype(np.float32)
        if self._grey:
            values = values @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        return values.reshape(len(pixels), -1) / np.float32(255.0)
