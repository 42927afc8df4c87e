"""What an ONNX model is fed: token numbers of texts, or arrays of images, prepared as the files beside it say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderError
from ..records import Item
from .pictures import decode_all
from .protocol import Contents

Feed: TypeAlias = tuple[NDArray[np.intp], dict[str, NDArray[Any]], NDArray[Any] | None]
"""Positions of the items, the model's inputs, and the attention mask."""

BATCH = 32
MOST_TOKENS = 512
USUAL_TOKENS = 256
USUAL_SIDE = 224
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
WHOLE = {"tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(uint8)": np.uint8}


class Texts:
    """Texts to token numbers. Texts of like length share a batch, since all are padded to the longest.

    Parameters
    ----------
    model
        The model file; ``tokenizer.json`` must lie beside it or in the folder above.
    inputs
        Names and types of the model's inputs.
    """

    FIELDS: ClassVar[dict[str, str]] = {
        "input_ids": "ids",
        "attention_mask": "attention_mask",
        "token_type_ids": "type_ids",
    }

    def __init__(self, model: Path, inputs: dict[str, str]) -> None:
        unknown = [name for name in inputs if name not in self.FIELDS and name != "position_ids"]
        if unknown:
            raise EncoderError(f"{model}: cannot make the input {unknown[0]!r} from a text")
        self._inputs = inputs
        path = beside(model, "tokenizer.json")
        if path is None:
            raise EncoderError(
                f"{model}: its tokenizer is missing; expected it at {model.parent / 'tokenizer.json'} "
                "(the file of that name that belongs to the model)"
            )
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise EncoderError(
                'the encoder onnx needs tokenizers for texts: pip install "askwise[onnx]"'
            ) from error
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise EncoderError(f"{path}: not a usable tokenizer: {str(error).splitlines()[0]}") from error
        self._tokenizer.enable_truncation(_most_tokens(model))
        self._tokenizer.no_padding()
        self._padding = next(
            (
                n
                for n in map(self._tokenizer.token_to_id, ("[PAD]", "<pad>", "<|endoftext|>"))
                if n is not None
            ),
            0,
        )

    def feeds(self, items: Sequence[Item], contents: Contents | None) -> Iterator[Feed]:
        """Batches of at most 32 texts, the shortest first."""
        texts = [str(item.data.get("text", "")) for item in items]
        tokens = self._tokenizer.encode_batch(texts)
        order = np.argsort([len(each.ids) for each in tokens], kind="stable")
        for start in range(0, len(items), BATCH):
            positions = order[start : start + BATCH]
            batch = [tokens[position] for position in positions]
            width = max(1, *(len(each.ids) for each in batch))
            fields = {
                name: self._padded([getattr(t, f) for t in batch], width, name)
                for name, f in self.FIELDS.items()
            }
            fields["position_ids"] = np.broadcast_to(np.arange(width), (len(batch), width))
            feed = {
                name: fields[name].astype(WHOLE.get(type, np.int64)) for name, type in self._inputs.items()
            }
            yield positions, feed, fields["attention_mask"]

    def _padded(self, rows: list[list[int]], width: int, name: str) -> NDArray[np.int64]:
        out = np.full((len(rows), width), self._padding if name == "input_ids" else 0, dtype=np.int64)
        for row, values in enumerate(rows):
            out[row, : len(values)] = values
        return out


class Pictures:
    """Images to arrays of the size, order, mean and scale that the model wants.

    Parameters
    ----------
    model
        The model file; ``preprocessor_config.json`` beside it is heeded.
    name, type, shape
        Of the model's input.
    """

    def __init__(self, model: Path, name: str, type: str, shape: Sequence[Any]) -> None:
        self._name = name
        if type not in TYPES and type not in WHOLE:
            raise EncoderError(f"{model}: the input {name!r} is {type}; expected numbers of an image")
        self._type = TYPES.get(type) or WHOLE[type]
        self._raw = type in WHOLE
        self._channels_last = shape[3] in (1, 3) and shape[1] not in (1, 3)
        height, width = (shape[1], shape[2]) if self._channels_last else (shape[2], shape[3])
        channels = shape[3] if self._channels_last else shape[1]
        self._channels = channels if channels in (1, 3) else 3
        self._batch = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else None
        config = _read(beside(model, "preprocessor_config.json"))
        crop = config.get("crop_size") if config.get("do_center_crop", True) else None
        self._shortest, size = _size(config.get("size"), crop)
        fixed = isinstance(height, int) and isinstance(width, int)
        self._size: tuple[int, int] = (height, width) if fixed else size or (USUAL_SIDE, USUAL_SIDE)
        self._resample = int(config.get("resample", 2))
        self._scale = float(config.get("rescale_factor", 1 / 255)) if config.get("do_rescale", True) else 1.0
        mean, deviation = config.get("image_mean", IMAGENET[0]), config.get("image_std", IMAGENET[1])
        if not config.get("do_normalize", True):
            mean, deviation = [0.0], [1.0]
        self._mean, self._deviation = (self._per_channel(v) for v in (mean, deviation))

    def _per_channel(self, values: Any) -> NDArray[np.float32]:
        numbers = np.atleast_1d(np.asarray(values, dtype=np.float32))
        return numbers if len(numbers) in (1, self._channels) else numbers.mean(keepdims=True)

    def feeds(self, items: Sequence[Item], contents: Contents | None) -> Iterator[Feed]:
        """Batches of images, as many as the model's input fixes, else at most 32."""
        assert contents is not None
        step = self._batch or BATCH
        for start in range(0, len(items), step):
            part = items[start : start + step]
            pixels = decode_all(part, contents, self._prepare, draft=2 * max(self._size))
            if len(part) < (self._batch or 0):  # a fixed batch is filled up; the extra rows are cut off again
                pixels = np.concatenate([pixels, np.repeat(pixels[-1:], step - len(part), axis=0)])
            positions = np.arange(start, start + len(part))
            yield positions, {self._name: np.ascontiguousarray(pixels)}, None

    def _prepare(self, image: Any) -> NDArray[Any]:
        height, width = self._size
        if self._shortest:
            ratio = max(self._shortest / min(image.size), height / image.size[1], width / image.size[0])
            resized = (max(width, round(image.size[0] * ratio)), max(height, round(image.size[1] * ratio)))
            image = image.resize(resized, self._resample)
            left, top = (image.size[0] - width) // 2, (image.size[1] - height) // 2
            image = image.crop((left, top, left + width, top + height))
        else:
            image = image.resize((width, height), self._resample)
        pixels = np.asarray(image.convert("L" if self._channels == 1 else "RGB"))
        pixels = pixels.reshape(height, width, self._channels)
        if not self._raw:
            pixels = ((pixels.astype(np.float32) * self._scale) - self._mean) / self._deviation
        if not self._channels_last:
            pixels = pixels.transpose(2, 0, 1)
        return pixels.astype(self._type)


def beside(model: Path, name: str) -> Path | None:
    """The file of that name next to the model, or in the folder above it."""
    return next((path for path in (model.parent / name, model.parent.parent / name) if path.is_file()), None)


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"{path}: cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise EncoderError(f"{path}: expected a JSON object")
    return config


def _most_tokens(model: Path) -> int:
    sentence = _read(beside(model, "sentence_bert_config.json")).get("max_seq_length")
    general = _read(beside(model, "tokenizer_config.json")).get("model_max_length")
    most = sentence or (general if isinstance(general, int) and general <= 100_000 else None) or USUAL_TOKENS
    return max(2, min(int(most), MOST_TOKENS))


def _size(size: Any, crop: Any) -> tuple[int | None, tuple[int, int] | None]:
    """(shortest edge before cropping or None, final height and width or None) from a preprocessor's settings.

    >>> _size({"shortest_edge": 256}, {"height": 224, "width": 224}), _size(96, None)
    ((256, (224, 224)), (None, (96, 96)))
    """
    final = _pair(crop)
    if isinstance(size, dict) and "shortest_edge" in size:
        shortest = int(size["shortest_edge"])
        return shortest, final or (shortest, shortest)
    if final is not None:
        whole = _pair(size)
        return (min(whole) if whole else None), final
    return None, _pair(size)


def _pair(value: Any) -> tuple[int, int] | None:
    if isinstance(value, int):
        return value, value
    if isinstance(value, dict) and "height" in value and "width" in value:
        return int(value["height"]), int(value["width"])
    return None
