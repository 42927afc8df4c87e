"""Texts as weighted counts of words and pairs of words, reduced to a few hundred numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderError
from ..records import Item
from .axes import principal_axes
from .protocol import Base, Batches, sample

FIT_ITEMS = 50_000
MOST_TERMS = 100_000
# Chinese and Japanese do not separate words: there every character is a term, and pairs of them stand for words
UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
TERM = rf"[{UNSPACED}]|[^\W{UNSPACED}]+"


class Tfidf(Base):
    """Term frequency (sublinear) times inverse document frequency, then a truncated SVD, rows of length 1.

    Needs no model and is quick: about a minute for 100,000 short texts. Words that mean the same are different to
    it; where few labels must do, a sentence encoder (``onnx:PATH``) is usually better.

    Parameters
    ----------
    dim
        The most numbers an embedding has; a small pool gives fewer.
    ngrams
        Longest run of words that counts as one term.

    Notes
    -----
    Formula: (1 + log tf) * (1 + log((1 + n) / (1 + df))), projected on the first right singular vectors (Deerwester
    et al., 1990). Fitted on at most 50,000 items. A text without any known word becomes zeros.

    Examples
    --------
    >>> items = [Item(str(row), row, "", {"text": text}) for row, text in enumerate(["red cat", "red dog", "rain"])]
    >>> encoder = Tfidf()
    >>> encoder.fit(lambda: iter([items]), 3)
    >>> encoder.transform(items).shape
    (3, 3)
    """

    name: ClassVar[str] = "tfidf"
    kinds: ClassVar[tuple[str, ...]] = ("text",)

    def __init__(self, dim: int = 256, ngrams: int = 2) -> None:
        super().__init__(dim=dim, ngrams=ngrams)
        if dim < 1 or ngrams < 1:
            raise EncoderError(f"tfidf: dim and ngrams must be at least 1, not {dim} and {ngrams}")
        self._terms: Any = None
        self._axes: NDArray[np.float32] | None = None

    def fit(self, batches: Batches, n: int, seed: int = 0) -> None:
        """Learn the terms, their weights and the axes from at most 50,000 of the items."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        texts = _texts(sample(batches, n, FIT_ITEMS, seed))
        if not texts:
            raise EncoderError("tfidf: there is no text to fit to")
        counts = None
        for fewest in sorted({_fewest_documents(len(texts)), 1}, reverse=True):
            self._terms = TfidfVectorizer(
                sublinear_tf=True,
                ngram_range=(1, self.settings["ngrams"]),
                token_pattern=TERM,
                min_df=fewest,
                max_features=MOST_TERMS,
                dtype=np.float32,
            )
            try:
                counts = self._terms.fit_transform(texts)
                break
            except ValueError as error:
                if "vocabulary" not in str(error) and "no terms remain" not in str(error).lower():
                    raise
        if counts is None:
            raise EncoderError(f"tfidf: there is not a single word in {len(texts):,} texts")
        self._axes = principal_axes(counts, self.settings["dim"], seed)
        self._dim = self._axes.shape[1]

    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """Embeddings (b, dim), rows of length 1 (or 0 where no word is known)."""
        if self._axes is None:
            raise EncoderError("tfidf: fit it first")
        if not items:
            return np.empty((0, self.dim), dtype=np.float32)
        out: NDArray[np.float32] = np.asarray(
            self._terms.transform(_texts(items)) @ self._axes, dtype=np.float32
        )
        length = np.linalg.norm(out, axis=1, keepdims=True)
        out /= np.where(length > 1e-6, length, 1.0)
        return out


def _texts(items: Sequence[Item]) -> list[str]:
    return [str(item.data.get("text", "")) for item in items]


def _fewest_documents(n: int) -> int:
    """In how many documents a term must occur: rare terms cost memory, and in a small pool they are all there is.

    >>> [_fewest_documents(n) for n in (5, 500, 5000, 50000)]
    [1, 2, 3, 5]
    """
    return 1 if n < 100 else 2 if n < 2_000 else 3 if n < 20_000 else 5
