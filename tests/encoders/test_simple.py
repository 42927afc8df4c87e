"""The encoders that need no model: tfidf, pixels, table, raw; and how they are named."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from askwise.encoders import default_encoder, make_encoder
from askwise.encoders.axes import principal_axes
from askwise.encoders.pictures import upright_rgb
from askwise.encoders.protocol import sample
from askwise.errors import EncoderError, SourceError
from askwise.records import Item
from askwise.sources import open_source

from .helpers import fitted, text_items

WORDS = ["red", "green", "blue", "cat", "dog", "rain", "snow", "tree", "road", "sea", "light", "dark", "slow"]


def texts(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, 6)) for _ in range(n)]


def rows(*data: dict[str, Any]) -> list[Item]:
    return [Item(str(row), row, "", cells) for row, cells in enumerate(data)]


# making


@pytest.mark.parametrize(
    ("spec", "kind", "expected"),
    [
        ("tfdf", "text", "did you mean 'tfidf'"),
        ("nosuch", "text", "known: tfidf, pixels, table, raw, onnx:PATH"),
        ("tfidf", "images", "is for text, and this is an images source; for images: pixels or onnx:PATH"),
        ("raw", "text", "is for array or table"),
        ("tfidf(size=3)", "text", "no setting 'size'; its settings: dim, ngrams"),
        ("raw(dim=3)", "array", "no setting 'dim'; its settings: none"),
        ("tfidf(dim='x')", "text", "whole number"),
        ("tfidf(dim=True)", "text", "whole number"),
        ("tfidf(3)", "text", "write it like"),
        ("tfidf(dim=", "text", "write it like"),
        ("tfidf(dim=0)", "text", "at least 1"),
        ("pixels(size=0)", "images", "at least 1"),
        ("table(categories=0)", "table", "at least 1"),
    ],
)
def test_wrong_names(spec: str, kind: str, expected: str) -> None:
    with pytest.raises(EncoderError) as caught:
        make_encoder(spec, kind)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "kind"),
    [("tfidf(dim=8, ngrams=1)", "text"), ("pixels(size=8)", "images"), ("table", "table"), ("raw", "array")],
)
def test_a_spec_makes_an_equal_encoder(spec: str, kind: str) -> None:
    encoder = make_encoder(spec, kind)
    assert encoder.spec == spec
    assert make_encoder(encoder.spec, kind).version == encoder.version
    assert encoder.version != make_encoder(spec.partition("(")[0], kind).version or "(" not in spec


def test_defaults() -> None:
    kinds = ("text", "images", "table", "array")
    assert [default_encoder(kind).spec for kind in kinds] == ["tfidf", "pixels", "table", "raw"]
    with pytest.raises(EncoderError, match="unknown kind"):
        default_encoder("sound")


@pytest.mark.parametrize(
    ("spec", "kind"), [("tfidf", "text"), ("pixels", "images"), ("table", "table"), ("raw", "array")]
)
def test_use_before_fit_and_empty_pools(spec: str, kind: str) -> None:
    encoder = make_encoder(spec, kind)
    with pytest.raises(EncoderError):
        encoder.dim  # noqa: B018
    with pytest.raises(EncoderError):
        encoder.transform(text_items(["x"]))
    with pytest.raises(EncoderError, match="there is no"):
        encoder.fit(lambda: iter([]), 0)


def test_samples_are_seeded_ordered_and_whole_when_small() -> None:
    items = text_items(texts(100))
    cuts = [lambda: iter([items]), lambda: iter([items[:7], [], items[7:]])]
    one, two = (sample(cut, 100, 10, seed=3) for cut in cuts)
    assert one == two
    assert [item.row for item in one] == sorted(item.row for item in one)
    assert len({item.row for item in one}) == 10
    assert sample(cuts[0], 100, 10, seed=4) != one
    assert sample(cuts[1], 100, 100, seed=3) == items


# axes


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (30, 8), (8, 30), (1100, 1050)])
def test_axes_are_those_of_the_svd(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    k = min(*shape, 4)
    X = rng.normal(size=(shape[0], k)) @ np.diag([9, 6, 3, 1][:k]) @ rng.normal(size=(k, shape[1]))
    axes = principal_axes(X, k, seed=0)
    _, _, exact = np.linalg.svd(X, full_matrices=False)
    np.testing.assert_allclose(np.abs(np.sum(axes.T * exact[:k], axis=1)), 1.0, atol=1e-3)
    np.testing.assert_array_equal(axes, principal_axes(X, k, seed=0))


def test_axes_stop_at_the_rank() -> None:
    X = np.outer(np.arange(1.0, 9), [1.0, 2, 3])
    assert principal_axes(X, 3, 0).shape == (3, 1)
    assert principal_axes(np.zeros((4, 3)), 3, 0).shape == (3, 1)
    assert np.isfinite(principal_axes(np.zeros((3, 4)), 3, 0)).all()


# tfidf


def test_tfidf_tells_topics_apart() -> None:
    rng = np.random.default_rng(0)
    topics = [WORDS[:8], WORDS[8:]]
    truth = np.arange(200) % 2
    out = fitted(
        make_encoder("tfidf", "text"), text_items([" ".join(rng.choice(topics[t], 5)) for t in truth])
    )
    assert LogisticRegression().fit(out[:20], truth[:20]).score(out[20:], truth[20:]) > 0.95
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 3, 99, 101, 2100])
def test_tfidf_of_pools_of_every_size(n: int) -> None:
    out = fitted(make_encoder("tfidf(dim=16)", "text"), text_items(texts(n)))
    assert np.isfinite(out).all()
    assert 1 <= out.shape[1] <= min(16, n)


def test_tfidf_keeps_cosines_of_a_small_pool() -> None:
    out = fitted(make_encoder("tfidf", "text"), text_items(["red cat", "red cat", "blue dog", "red dog"]))
    cosines = out @ out.T
    assert cosines[0, 1] == pytest.approx(1)
    assert abs(cosines[0, 2]) < 1e-5
    assert 0.1 < cosines[0, 3] < 0.9


def test_tfidf_of_unknown_and_empty_texts_is_zero() -> None:
    encoder = make_encoder("tfidf", "text")
    fitted(encoder, text_items(texts(10)))
    assert not encoder.transform(text_items(["", "zzz", "?!"])).any()
    with pytest.raises(EncoderError, match="not a single word in 2 texts"):
        fitted(encoder, text_items(["?!", "..."]))


def test_tfidf_of_distinct_words_only_still_has_terms() -> None:
    out = fitted(make_encoder("tfidf", "text"), text_items([f"word{n}" for n in range(150)]))
    assert np.isfinite(out).all()


def test_tfidf_reads_writing_without_spaces() -> None:
    out = fitted(make_encoder("tfidf", "text"), text_items(["今天天气很好", "今天天气不好", "股票市场下跌"]))
    assert out[0] @ out[1] > 0.2 > out[0] @ out[2]


def test_large_tfidf_is_the_same_each_time() -> None:
    items = text_items([f"{a} {n} {n % 97}" for n, a in enumerate(texts(2500))])
    one, two = (fitted(make_encoder("tfidf(dim=20)", "text"), items, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one, two)


# pixels


def digits(folder: Path, n: int, mode: str = "L") -> np.ndarray:
    images, target = load_digits(return_X_y=True)
    for number, image in enumerate(images[:n]):
        Image.fromarray((image.reshape(8, 8) * 15.9).astype(np.uint8)).convert(mode).save(
            folder / f"{number:04d}.png"
        )
    return np.asarray(target[:n])


def test_pixels_of_digits(tmp_path: Path) -> None:
    truth = digits(tmp_path, 400)
    source = open_source(tmp_path)
    encoder = default_encoder("images", source)
    out = fitted(encoder, list(source.items()))
    assert encoder.dim == 64
    score = LogisticRegression(max_iter=2000).fit(out[:200], truth[:200]).score(out[200:], truth[200:])
    assert score > 0.85
    assert 0.5 < float(np.mean(out**2) * 64 / 1024) <= 1.001, (
        "the components keep most of the variance of the pixels"
    )


def test_grey_pictures_are_the_same_in_every_mode(tmp_path: Path) -> None:
    outs = []
    for mode in ("L", "RGB", "RGBA", "P"):
        (tmp_path / mode).mkdir()
        digits(tmp_path / mode, 30, mode)
        source = open_source(tmp_path / mode)
        outs.append(fitted(make_encoder("pixels", "images", source), list(source.items())))
    for out in outs[1:]:
        np.testing.assert_allclose(out, outs[0], atol=0.05)


def test_colours_count_where_there_are_some(tmp_path: Path) -> None:
    for number, colour in enumerate([(255, 0, 0), (0, 130, 0), (255, 0, 0)]):
        Image.new("RGB", (40, 30), colour).save(
            tmp_path / f"{number}.png"
        )  # the first two are about equally light
    source = open_source(tmp_path)
    out = fitted(make_encoder("pixels", "images", source), list(source.items()))
    assert np.linalg.norm(out[0] - out[1]) > 1
    np.testing.assert_allclose(out[0], out[2], atol=1e-4)


def test_one_or_equal_images(tmp_path: Path) -> None:
    for name in "abc":
        Image.new("L", (3, 3), 7).save(tmp_path / f"{name}.png")
    source = open_source(tmp_path)
    items = list(source.items())
    for some in (items, items[:1]):
        assert not fitted(make_encoder("pixels", "images", source), some).any()


def test_images_that_changed_or_were_never_bound(tmp_path: Path) -> None:
    digits(tmp_path, 3)
    source = open_source(tmp_path)
    items = list(source.items())
    with pytest.raises(EncoderError, match="bind"):
        fitted(make_encoder("pixels", "images"), items)
    Image.new("L", (3, 3)).save(tmp_path / "0001.png")
    with pytest.raises(SourceError, match=r"0001\.png: changed"):
        fitted(make_encoder("pixels", "images", source), items)


def test_an_image_that_cannot_be_decoded_is_named() -> None:
    class Contents:
        def content(self, item: Item) -> bytes:
            return b"nonsense"

    items = [Item("a.png", 0, "", {"path": "a.png"})]
    with pytest.raises(EncoderError, match=r"a\.png: cannot be decoded"):
        fitted(make_encoder("pixels", "images", Contents()), items)


def test_modes_of_images() -> None:
    deep = Image.fromarray(np.array([[0, 32768, 65535]], dtype=np.uint16))
    assert np.asarray(upright_rgb(deep))[0, :, 0].tolist() == [0, 128, 255]
    real = Image.fromarray(np.array([[0.0, 0.5, 1.0]], dtype=np.float32))
    assert np.asarray(upright_rgb(real))[0, :, 0].tolist() == [0, 128, 255]
    clear = Image.new("RGBA", (1, 1), (10, 20, 30, 0))
    assert upright_rgb(clear).getpixel((0, 0)) == (255, 255, 255)
    turned = BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (4, 2)).save(turned, "JPEG", exif=exif)
    assert upright_rgb(Image.open(turned)).size == (2, 4)
    assert upright_rgb(Image.new("CMYK", (1, 1))).mode == "RGB"


# table and raw


def test_table_standardises_and_marks_what_is_missing() -> None:
    out = fitted(
        make_encoder("table", "table"),
        rows({"a": 1, "b": 5, "c": "x"}, {"a": 3, "b": 5, "c": None}, {"a": None, "b": 5, "c": "y"}),
    )
    np.testing.assert_allclose(out, [[-1, 0, 0, 1, 0, 0], [1, 0, 0, 0, 0, 1], [0, 1, 0, 0, 1, 0]], atol=1e-6)


def test_table_keeps_the_frequent_categories() -> None:
    cells = [*("abc" * 3), "d", "e"]
    encoder = make_encoder("table(categories=3)", "table")
    out = fitted(encoder, rows(*({"c": cell} for cell in cells)))
    assert out.shape[1] == 4
    np.testing.assert_array_equal(out[9], out[10])
    np.testing.assert_array_equal(out.sum(axis=1), 1)
    assert encoder.transform(rows({"c": "new"}))[0].tolist() == [0, 0, 0, 1]
    few = make_encoder("table", "table")
    fitted(few, rows({"c": "a"}, {"c": "b"}))
    assert not few.transform(rows({"c": "new"})).any()


def test_table_survives_large_small_and_constant_numbers() -> None:
    out = fitted(
        make_encoder("table", "table"),
        rows(*({"a": 1e30 + n * 1e29, "b": 1e-30 * n, "c": 0.1} for n in range(5))),
    )
    np.testing.assert_allclose(out[:, :2].std(axis=0), 1.0, rtol=1e-4)
    assert not out[:, 2].any()
    with pytest.raises(EncoderError, match="column 'a' are too large"):
        fitted(make_encoder("table", "table"), rows({"a": 1e300}, {"a": -1e300}))


def test_table_refuses_what_it_cannot_hold() -> None:
    many = rows(*({f"c{n}": f"{row}" for n in range(100)} for row in range(50)))
    with pytest.raises(
        EncoderError, match=r"100 columns would become 5,000 numbers .* table\(categories=10\)"
    ):
        fitted(make_encoder("table", "table"), many)
    encoder = make_encoder("table", "table")
    fitted(encoder, rows({"a": 1}, {"a": 2}))
    with pytest.raises(EncoderError, match="'a' is numeric, but one row holds 'x'"):
        encoder.transform(rows({"a": "x"}))


def test_raw_of_tables() -> None:
    assert fitted(make_encoder("raw", "table"), rows({"a": 1, "b": 2.5}, {"a": True, "b": 0})).tolist() == [
        [1, 2.5],
        [1, 0],
    ]
    for cells, expected in (
        ({"a": None, "b": 1}, "row 1 has no value in column 'a'.*'table'"),
        ({"a": 1, "b": "x"}, "row 1 holds 'x' in column 'b'"),
        ({"a": 1e300, "b": 1}, "column 0 of row 1 is not a finite float32"),
    ):
        with pytest.raises(EncoderError, match=expected):
            fitted(make_encoder("raw", "table"), rows({"a": 1, "b": 2}, cells))


def test_raw_of_arrays(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(9, 4))
    np.save(tmp_path / "x.npy", X)
    source = open_source(tmp_path / "x.npy")
    out = fitted(make_encoder("raw", "array", source), list(source.items()))
    np.testing.assert_array_equal(out, X.astype(np.float32))
    X[4, 1] = 1e300
    np.save(tmp_path / "x.npy", X)
    source = open_source(tmp_path / "x.npy")
    with pytest.raises(EncoderError, match="column 1 of row 4"):
        fitted(make_encoder("raw", "array", source), list(source.items()))
