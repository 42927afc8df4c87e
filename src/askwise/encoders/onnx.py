"""A network in an ONNX file as encoder of texts or images; needs the extra [onnx]."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderError
from ..records import Item
from .download import fetch, is_url
from .files import file_sha256
from .onnx_inputs import Pictures, Texts, beside
from .protocol import Base, Batches, versioned

MODEL = "model.onnx"
COMPANIONS = (
    "tokenizer.json",
    "tokenizer_config.json",
    "sentence_bert_config.json",
    "preprocessor_config.json",
)


class Onnx(Base):
    """The output of a network, pooled over tokens or positions, rows of length 1.

    Whether it takes texts or images is read from its inputs: ``input_ids`` for texts (with ``tokenizer.json`` beside
    the file), one four-dimensional input for images (with ``preprocessor_config.json`` beside it if it wants another
    size, mean or scale than its own shape and the usual ones of ImageNet).

    Parameters
    ----------
    path
        The model file, a folder that holds ``model.onnx``, or a URL with its checksum (see `download.fetch`).
    kind
        "text" or "images".

    Raises
    ------
    EncoderError
        If the extra is not installed, a file is missing, or the model does not fit the items.

    Notes
    -----
    Formula for texts: the mean of the token vectors that the attention mask keeps (Reimers and Gurevych, 2019).
    A model with dynamically quantised activations gives slightly different numbers in batches of another
    composition; shards are always encoded in the same batches, so that they can be repeated exactly.
    """

    name: ClassVar[str] = "onnx"
    kinds: ClassVar[tuple[str, ...]] = ("text", "images")
    shards_at_once: ClassVar[int] = 1

    def __init__(self, path: str, kind: str) -> None:
        super().__init__()
        if kind not in self.kinds:
            raise EncoderError(
                f"encoder 'onnx' is for texts and images, and this is a source of kind {kind!r}"
            )
        self._runtime = _import_runtime()
        self._given = path
        self.path = _model_file(fetch(path) if is_url(path) else Path(path).expanduser(), path)
        self._session = self._open()
        self._inputs: Texts | Pictures = self._take_inputs(kind)
        self._output = self._take_output()
        self._files = _digests(self.path)

    @property
    def spec(self) -> str:
        """``onnx:`` and the path or URL as it was given."""
        return f"onnx:{self._given}"

    @property
    def version(self) -> str:
        """The model's name and a digest of its files, wherever they lie, and of the pool's content."""
        return versioned(f"onnx-{self.path.stem}", [self._files, self.code, *self._bound])

    def fit(self, batches: Batches, n: int, seed: int = 0) -> None:
        """Encode one item, to see how long an embedding is."""
        first = next((batch for batch in batches() if len(batch)), None)
        if first is None:
            raise EncoderError("onnx: there is no item to encode")
        self._dim = self._encode(first[:1]).shape[1]

    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """Embeddings (b, dim)."""
        return self._encode(items) if items else np.empty((0, self.dim), dtype=np.float32)

    def _encode(self, items: Sequence[Item]) -> NDArray[np.float32]:
        contents = None if isinstance(self._inputs, Texts) else self._contents()
        out: NDArray[np.float32] | None = None
        for positions, feed, mask in self._inputs.feeds(items, contents):
            rows = len(positions)
            try:
                values = self._session.run([self._output], feed)[0]
            except Exception as error:  # the runtime has its own errors, none of them public
                reason = str(error).splitlines()[0]
                raise EncoderError(f"{self.path}: the model cannot run on these items: {reason}") from error
            pooled = _pool(np.asarray(values)[:rows], None if mask is None else mask[:rows], self.path)
            if out is None:
                out = np.empty((len(items), pooled.shape[1]), dtype=np.float32)
            out[positions] = pooled
        assert out is not None
        length = np.linalg.norm(out, axis=1, keepdims=True)
        out /= np.where(length > 0, length, 1.0)
        return out

    def _open(self) -> Any:
        options = self._runtime.SessionOptions()
        options.log_severity_level = 3
        try:
            return self._runtime.InferenceSession(str(self.path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime has its own errors, none of them public
            raise EncoderError(
                f"{self.path}: not a usable ONNX model: {str(error).splitlines()[0]}"
            ) from error

    def _take_inputs(self, kind: str) -> Texts | Pictures:
        inputs = self._session.get_inputs()
        names = [given.name for given in inputs]
        found = ", ".join(f"{given.name} {given.type} {given.shape}" for given in inputs)
        if "input_ids" in names:
            if kind != "text":
                raise EncoderError(f"{self.path}: the model takes texts, and this is a source of images")
            return Texts(self.path, {given.name: given.type for given in inputs})
        if len(inputs) == 1 and len(inputs[0].shape) == 4:
            if kind != "images":
                raise EncoderError(f"{self.path}: the model takes images, and this is a source of texts")
            return Pictures(self.path, inputs[0].name, inputs[0].type, inputs[0].shape)
        raise EncoderError(
            f"{self.path}: expected the input input_ids (texts) or one image input of four dimensions; it has {found}"
        )

    def _take_output(self) -> str:
        """A ready sentence embedding if the model has one, else its first output."""
        names: list[str] = [output.name for output in self._session.get_outputs()]
        ready = ("sentence_embedding", "image_embeds", "text_embeds", "embeddings", "embedding")
        return next((name for name in ready if name in names), names[0])


def _pool(values: NDArray[Any], mask: NDArray[Any] | None, path: Path) -> NDArray[np.float32]:
    pooled: NDArray[np.float32] = values.astype(np.float32, copy=False)
    if values.ndim == 3 and mask is not None:
        kept = mask[..., None].astype(np.float32)
        pooled = (pooled * kept).sum(axis=1) / np.maximum(kept.sum(axis=1), 1e-9)
    elif values.ndim in (3, 4):
        pooled = pooled.mean(axis=1 if values.ndim == 3 else (2, 3), dtype=np.float32)
    if pooled.ndim == 2:
        return pooled
    raise EncoderError(f"{path}: expected an output of two to four dimensions, got shape {values.shape}")


def _model_file(path: Path, given: str) -> Path:
    file = path / MODEL if path.is_dir() else path
    if not file.is_file():
        what = f"no {MODEL} in this folder" if path.is_dir() else "no such file"
        raise EncoderError(f"onnx:{given}: {what}; expected a model file or a folder that holds {MODEL}")
    return file


def _digests(model: Path) -> list[str]:
    """What the embeddings depend on: the model, its external weights, and the files that prepare its input."""
    weights = re.compile(re.escape(model.name) + r"([._](data|weights).*)?")
    files = sorted(path for path in model.parent.iterdir() if weights.fullmatch(path.name))
    files += [path for path in (beside(model, name) for name in COMPANIONS) if path is not None]
    return [f"{path.name} {file_sha256(path)}" for path in files]


def _import_runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise EncoderError('the encoder onnx needs onnxruntime: pip install "askwise[onnx]"') from error
    return onnxruntime
