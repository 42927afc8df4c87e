"""ONNX models of texts and images, compared with what they must give by hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto
from PIL import Image

from askwise.encoders import make_encoder
from askwise.errors import EncoderError
from askwise.sources import Source, open_source

from .helpers import fitted, text_items
from .models import TABLE, WORDS, config, image_model, text_model, tokenizer


def unit(rows: Any) -> np.ndarray:
    rows = np.asarray(rows, dtype=np.float64)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def by_hand(texts: list[str]) -> np.ndarray:
    """[CLS] words [SEP], looked up and averaged."""
    ids = [[2, *(WORDS.index(word) if word in WORDS else 1 for word in text.split()), 3] for text in texts]
    return unit([TABLE[some].mean(axis=0) for some in ids])


TEXTS = ["red cat", "rain", "blue dog rain green red cat", "", "unknown words here", *["cat dog"] * 40]


@pytest.mark.parametrize("integers", [TensorProto.INT64, TensorProto.INT32])
@pytest.mark.parametrize("extra", ["", "token_type_ids", "position_ids"])
def test_texts_are_averaged_over_their_own_tokens(tmp_path: Path, integers: int, extra: str) -> None:
    text_model(tmp_path / "model.onnx", integers=integers, extra=extra)
    tokenizer(tmp_path / "tokenizer.json")
    encoder = make_encoder(f"onnx:{tmp_path}", "text")
    np.testing.assert_allclose(fitted(encoder, text_items(TEXTS)), by_hand(TEXTS), atol=1e-5)
    assert encoder.transform([]).shape == (0, 4)


def test_a_ready_embedding_is_preferred(tmp_path: Path) -> None:
    path = text_model(tmp_path / "model.onnx", ready=True)
    tokenizer(tmp_path / "tokenizer.json")
    out = fitted(make_encoder(f"onnx:{path}", "text"), text_items(["red cat"]))
    np.testing.assert_allclose(out, unit([TABLE[[2, 4, 7, 3]].max(axis=0)]), atol=1e-5)


def test_long_texts_are_cut_and_the_tokenizer_may_lie_above(tmp_path: Path) -> None:
    text_model(tmp_path / "onnx" / "model.onnx")
    tokenizer(tmp_path / "tokenizer.json")
    config(tmp_path / "sentence_bert_config.json", max_seq_length=4)
    out = fitted(make_encoder(f"onnx:{tmp_path / 'onnx'}", "text"), text_items(["red cat dog rain blue"]))
    np.testing.assert_allclose(out, by_hand(["red cat"]), atol=1e-5)


def pictures(folder: Path, size: tuple[int, int] = (8, 6), n: int = 3) -> Source:
    folder.mkdir(exist_ok=True)
    for number in range(n):
        pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return open_source(folder)


def raw_pixels(source: Source) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path)) for path in sorted(source.path.iterdir())]).astype(
        np.float64
    )


MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


@pytest.mark.parametrize("batch", ["b", 1, 2])
@pytest.mark.parametrize("last", [False, True])
def test_images_in_either_order_and_fixed_batches(tmp_path: Path, last: bool, batch: Any) -> None:
    source = pictures(tmp_path / "images")
    shape = [batch, 6, 8, 3] if last else [batch, 3, 6, 8]
    path = image_model(tmp_path / "model.onnx", shape, output="flat")
    expected = (raw_pixels(source) / 255 - MEAN) / DEVIATION
    expected = expected if last else expected.transpose(0, 3, 1, 2)
    out = fitted(make_encoder(f"onnx:{path}", "images", source), list(source.items()))
    np.testing.assert_allclose(out, unit(expected.reshape(3, -1)), atol=1e-5)


def test_maps_are_averaged_and_pooled_outputs_kept(tmp_path: Path) -> None:
    source = pictures(tmp_path / "images")
    expected = unit(((raw_pixels(source) / 255 - MEAN) / DEVIATION).mean(axis=(1, 2)))
    for output in ("map", "pooled"):
        path = image_model(tmp_path / f"{output}.onnx", ["b", 3, 6, 8], output=output)
        out = fitted(make_encoder(f"onnx:{path}", "images", source), list(source.items()))
        np.testing.assert_allclose(out, expected, atol=1e-5)


def test_bytes_and_halves(tmp_path: Path) -> None:
    source = pictures(tmp_path / "images")
    for kind, expected in (
        (TensorProto.UINT8, raw_pixels(source)),
        (TensorProto.FLOAT16, (raw_pixels(source) / 255 - MEAN) / DEVIATION),
    ):
        path = image_model(tmp_path / "model.onnx", ["b", 3, 6, 8], kind=kind)
        out = fitted(make_encoder(f"onnx:{path}", "images", source), list(source.items()))
        np.testing.assert_allclose(out, unit(expected.mean(axis=(1, 2))), atol=5e-3)


def test_the_preprocessor_is_heeded(tmp_path: Path) -> None:
    source = pictures(tmp_path / "images", size=(10, 6))
    image_model(tmp_path / "model.onnx", ["b", 3, "h", "w"], output="flat")
    config(
        tmp_path / "preprocessor_config.json",
        size={"shortest_edge": 6},
        crop_size={"height": 4, "width": 4},
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
        rescale_factor=1 / 255,
    )
    out = fitted(make_encoder(f"onnx:{tmp_path}", "images", source), list(source.items()))
    middle = raw_pixels(source)[:, 1:5, 3:7].transpose(0, 3, 1, 2)
    np.testing.assert_allclose(out, unit((middle / 127.5 - 1).reshape(3, -1)), atol=1e-5)
    config(
        tmp_path / "preprocessor_config.json",
        size={"height": 6, "width": 10},
        do_rescale=False,
        do_normalize=False,
    )
    out = fitted(make_encoder(f"onnx:{tmp_path}", "images", source), list(source.items()))
    np.testing.assert_allclose(out, unit(raw_pixels(source).transpose(0, 3, 1, 2).reshape(3, -1)), atol=1e-5)


def test_a_dynamic_size_without_a_preprocessor_is_the_usual_one(tmp_path: Path) -> None:
    source = pictures(tmp_path / "images")
    path = image_model(tmp_path / "model.onnx", ["b", 3, "h", "w"], output="flat")
    assert fitted(make_encoder(f"onnx:{path}", "images", source), list(source.items())).shape == (
        3,
        3 * 224 * 224,
    )  # type: ignore[arg-type]


def test_grey_models(tmp_path: Path) -> None:
    source = pictures(tmp_path / "images")
    path = image_model(tmp_path / "model.onnx", ["b", 1, 6, 8], output="flat")
    assert fitted(make_encoder(f"onnx:{path}", "images", source), list(source.items())).shape == (3, 48)


def test_the_version_is_that_of_the_files_wherever_they_lie(tmp_path: Path) -> None:
    for name in ("one", "two"):
        text_model(tmp_path / name / "model.onnx")
        tokenizer(tmp_path / name / "tokenizer.json")
    one, two = (make_encoder(f"onnx:{tmp_path / name}", "text") for name in ("one", "two"))
    assert one.version == two.version
    assert one.spec != two.spec
    config(tmp_path / "two" / "sentence_bert_config.json", max_seq_length=9)
    assert make_encoder(f"onnx:{tmp_path / 'two'}", "text").version != one.version


def refusal(path: Path, kind: str = "text") -> str:
    with pytest.raises(EncoderError) as caught:
        make_encoder(f"onnx:{path}", kind)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_and_broken_files(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "nowhere.onnx")
    assert "no model.onnx in this folder" in refusal(tmp_path)
    (tmp_path / "broken.onnx").write_bytes(b"nonsense")
    assert "not a usable ONNX model" in refusal(tmp_path / "broken.onnx")
    path = text_model(tmp_path / "model.onnx")
    assert f"expected it at {tmp_path / 'tokenizer.json'}" in refusal(path)
    (tmp_path / "tokenizer.json").write_text("{}")
    assert "not a usable tokenizer" in refusal(path)
    path = image_model(tmp_path / "image.onnx", ["b", 3, 6, 8])
    (tmp_path / "preprocessor_config.json").write_text("{")
    assert "preprocessor_config.json: cannot be read" in refusal(path, "images")


def test_models_that_do_not_fit(tmp_path: Path) -> None:
    text, image = text_model(tmp_path / "text.onnx"), image_model(tmp_path / "image.onnx", ["b", 3, 6, 8])
    tokenizer(tmp_path / "tokenizer.json")
    assert "takes texts" in refusal(text, "images")
    assert "takes images" in refusal(image, "text")
    assert "for texts and images" in refusal(text, "table")
    assert "cannot make the input 'bbox'" in refusal(text_model(tmp_path / "layout.onnx", extra="bbox"))
    odd = image_model(tmp_path / "odd.onnx", ["b", 3, 6], output="flat")
    assert "expected the input input_ids (texts) or one image input" in refusal(odd, "images")


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = text_model(tmp_path / "model.onnx")
    tokenizer(tmp_path / "tokenizer.json")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "tokenizers", None)
        assert 'pip install "askwise[onnx]"' in refusal(path)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert 'pip install "askwise[onnx]"' in refusal(path)
