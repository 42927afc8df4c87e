"""Encoders turn items into embeddings, once; the shards they write are what everything above works on."""

from __future__ import annotations

import ast
import inspect
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from ..errors import EncoderError
from .protocol import Base, Batches, Contents, Encoder

__all__ = ["ENCODERS", "Base", "Batches", "Contents", "Encoder", "default_encoder", "make_encoder"]

ENCODERS = {"tfidf": "Tfidf", "pixels": "Pixels", "table": "Table", "raw": "Raw"}
"""The encoders that need no file, and their classes, each in the module of its name."""

DEFAULT = {"text": "tfidf", "images": "pixels", "table": "table", "array": "raw"}


def make_encoder(spec: str, kind: str, source: Contents | None = None) -> Encoder:
    """The encoder that a readable string names.

    Parameters
    ----------
    spec
        ``tfidf``, ``pixels``, ``table``, ``raw``, with settings as in ``tfidf(dim=128)``; or ``onnx:PATH`` with a
        model file, a folder that holds ``model.onnx``, or ``https://…/model.onnx#sha256=…``.
    kind
        The kind of the source: "text", "images", "table" or "array".
    source
        Where the items' contents are; `encode_pool` binds it anyway.

    Raises
    ------
    EncoderError
        If the encoder or a setting is unknown, or the encoder is for items of another kind.

    Examples
    --------
    >>> make_encoder("tfidf(dim=128)", "text").spec
    'tfidf(dim=128)'
    >>> make_encoder("pixels", "text")
    Traceback (most recent call last):
    askwise.errors.EncoderError: encoder 'pixels' is for images, and this is a text source; for text: tfidf or onnx:PATH
    """
    spec = spec.strip()
    if spec.startswith("onnx:"):
        from .onnx import Onnx

        encoder: Base = Onnx(spec.removeprefix("onnx:"), kind)
    else:
        name, settings = _parse(spec)
        made = getattr(import_module(f"{__name__}.{name}"), ENCODERS[name])
        if kind not in made.kinds:
            raise EncoderError(
                f"encoder {name!r} is for {' or '.join(made.kinds)}, and this is {_article(kind)} source; "
                f"for {kind}: {' or '.join(_fitting(kind))}"
            )
        known = list(inspect.signature(made).parameters)
        for setting, value in settings.items():
            if setting not in known:
                there = ", ".join(known) or "none"
                raise EncoderError(f"encoder {name!r} has no setting {setting!r}; its settings: {there}")
            if not isinstance(value, int) or isinstance(value, bool):
                raise EncoderError(f"encoder {name!r}: {setting} must be a whole number, not {value!r}")
        encoder = made(**settings)
    if source is not None:
        encoder.bind(source)
    return encoder


def default_encoder(kind: str, source: Contents | None = None) -> Encoder:
    """The encoder for items of a kind when none is named: it needs no model and no download.

    >>> default_encoder("images").spec
    'pixels'
    """
    if kind not in DEFAULT:
        raise EncoderError(f"unknown kind of source {kind!r}; known: {', '.join(DEFAULT)}")
    return make_encoder(DEFAULT[kind], kind, source)


def _parse(spec: str) -> tuple[str, dict[str, Any]]:
    name = spec.partition("(")[0].strip()
    if name not in ENCODERS:
        near = get_close_matches(name, ENCODERS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise EncoderError(f"unknown encoder {spec!r}; known: {', '.join(ENCODERS)}, onnx:PATH{hint}")
    if spec == name:
        return name, {}
    try:
        call = ast.parse(spec, mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError
        return name, {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError) as error:
        raise EncoderError(f"cannot read the encoder {spec!r}; write it like tfidf(dim=128)") from error


def _fitting(kind: str) -> list[str]:
    fitting = {"text": ["tfidf", "onnx:PATH"], "images": ["pixels", "onnx:PATH"], "table": ["table", "raw"]}
    return fitting.get(kind, ["raw"])


def _article(kind: str) -> str:
    return {"images": "an images", "array": "an array"}.get(kind, f"a {kind}")
