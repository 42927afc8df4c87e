"""What the array standard lacks, and the only short cuts that depend on the array library.

Whatever imports this is written against the Python array API, so that NumPy arrays, torch tensors and any other
conforming arrays give the same picks and stay on their device. Small vectors that steer a search live on the
host as NumPy arrays; `take`, `to_numpy` and `from_numpy` are the only crossings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import array_api_compat
import numpy as np
from numpy.typing import NDArray

Array = Any
CACHE_BYTES = 2 << 20  # a block of temporaries that stays near the core

_MANY_CLASSES = 32  # from here on a row is long enough to be reduced where it lies


def namespace(*arrays: Array) -> Any:
    """Array-API namespace that all `arrays` share.

    Raises
    ------
    TypeError
        If an argument is not an array, or the arrays come from different libraries.

    Examples
    --------
    >>> namespace(np.zeros(2)).__name__
    'array_api_compat.numpy'
    """
    return array_api_compat.array_namespace(*arrays)


def to_numpy(x: Array) -> NDArray[Any]:
    """The values of `x` as a NumPy array; copied to the host only where they are not there already.

    Examples
    --------
    >>> to_numpy(np.arange(3))
    array([0, 1, 2])
    """
    if isinstance(x, np.ndarray):
        return np.asarray(x)
    if array_api_compat.is_torch_array(x):
        host = x.detach().cpu()
        exact = host.float() if str(host.dtype) == "torch.bfloat16" else host  # NumPy has no bfloat16
        return np.asarray(exact.numpy())
    if array_api_compat.is_cupy_array(x):
        return np.asarray(x.get())
    return np.asarray(x)


def from_numpy(values: NDArray[Any], like: Array) -> Array:
    """`values` as an array of the library and the device of `like`; never shares memory with `values`.

    Examples
    --------
    >>> from_numpy(np.array([2, 0]), like=np.zeros(4))
    array([2, 0])
    """
    return namespace(like).asarray(np.array(values), device=array_api_compat.device(like))


def zeros(shape: tuple[int, ...], like: Array) -> Array:
    """An array of zeros with the type, the library and the device of `like`.

    Examples
    --------
    >>> zeros((2,), like=np.ones(3, np.float32))
    array([0., 0.], dtype=float32)
    """
    return namespace(like).zeros(shape, dtype=like.dtype, device=array_api_compat.device(like))


def take(x: Array, positions: NDArray[np.int64]) -> Array:
    """Rows of `x` at host `positions`, in that order, in the library and on the device of `x`.

    Examples
    --------
    >>> take(np.array([[1.0], [2.0], [3.0]]), np.array([2, 0]))
    array([[3.],
           [1.]])
    """
    if isinstance(x, np.ndarray):
        return np.asarray(x[positions])
    return namespace(x).take(x, from_numpy(positions, like=x), axis=0)


def floating(x: Array, *, double: bool = False) -> Array:
    """`x` in the precision that is worked in: float64 stays, everything else becomes float32.

    Parameters
    ----------
    double
        Ask for float64 whatever the type of `x`.

    Examples
    --------
    >>> floating(np.ones(2, np.float16)).dtype, floating(np.ones(2)).dtype
    (dtype('float32'), dtype('float64'))
    """
    xp = namespace(x)
    wanted = xp.float64 if double or x.dtype == xp.float64 else xp.float32
    return x if x.dtype == wanted else xp.astype(x, wanted)


def row_blocks(n: int, bytes_per_row: int, limit: int = 32 << 20) -> Iterator[slice]:
    """Slices that cut `n` rows into runs of at most `limit` bytes, and of at least one row.

    Examples
    --------
    >>> list(row_blocks(5, bytes_per_row=10, limit=20))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, limit // max(1, bytes_per_row))
    for start in range(0, n, step):
        yield slice(start, min(n, start + step))


def map_rows(function: Callable[[slice], Array], n: int, bytes_per_row: int) -> Array:
    """`function` of each run of rows that fits into the cache, put end to end.

    Examples
    --------
    >>> x = np.arange(4.0)
    >>> map_rows(lambda rows: x[rows] * 2, 4, bytes_per_row=8)
    array([0., 2., 4., 6.])
    """
    parts = [function(rows) for rows in row_blocks(n, bytes_per_row, CACHE_BYTES)]
    return parts[0] if len(parts) == 1 else namespace(parts[0]).concat(parts)


def xlogx(p: Array) -> Array:
    """x · log x for every element, with 0 · log 0 = 0 (natural logarithm).

    Examples
    --------
    >>> bool(xlogx(np.array([0.0, 1.0, np.e])).sum() == np.e)
    True
    """
    xp = namespace(p)
    return p * xp.log(xp.clip(p, min=float(xp.finfo(p.dtype).smallest_normal)))


def row_sums(x: Array) -> Array:
    """Sum of each row of `x` (n, C); equal rows have equal sums, wherever they stand.

    Float32 rows are added up in float64, so that the order of the classes does not show in the rounded sum.

    Examples
    --------
    >>> row_sums(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([3., 7.])
    """
    xp = namespace(x)
    if isinstance(x, np.ndarray) and x.shape[1] < _MANY_CLASSES:
        # NumPy adds along a short last axis one element at a time; along the first it adds whole vectors.
        return np.add.reduce(np.ascontiguousarray(x.T), axis=0, dtype=np.float64).astype(x.dtype)
    return xp.astype(xp.sum(x, axis=-1, dtype=xp.float64), x.dtype)


def largest_two(x: Array) -> tuple[Array, Array]:
    """Largest and second largest of each row of `x` (n, C), as two arrays (n,); with C = 1 the second is 0.

    Examples
    --------
    >>> largest_two(np.array([[0.2, 0.5, 0.3]]))
    (array([0.5]), array([0.3]))
    """
    xp = namespace(x)
    n, C = x.shape
    if C == 1:
        return x[:, 0], xp.zeros_like(x[:, 0])
    if isinstance(x, np.ndarray):
        first, second = np.empty(n, x.dtype), np.empty(n, x.dtype)
        for rows in row_blocks(n, C * x.itemsize, CACHE_BYTES // 8):
            _largest_two_numpy(x[rows], first[rows], second[rows])
        return first, second
    if array_api_compat.is_torch_array(x):
        best = x.topk(2, dim=1).values
        return best[:, 0], best[:, 1]
    ordered = xp.sort(x, axis=-1)
    return ordered[:, -1], ordered[:, -2]


def _largest_two_numpy(x: NDArray[Any], first: NDArray[Any], second: NDArray[Any]) -> None:
    if x.shape[1] >= _MANY_CLASSES:
        rest, rows = np.array(x), np.arange(len(x))
        top = rest.argmax(axis=1)
        first[:] = rest[rows, top]
        rest[rows, top] = -np.inf if rest.dtype.kind == "f" else np.iinfo(rest.dtype).min
        rest.max(axis=1, out=second)
        return
    columns = np.ascontiguousarray(x.T)  # whole columns at a time: short rows would be compared one by one
    np.maximum(columns[0], columns[1], out=first)
    np.minimum(columns[0], columns[1], out=second)
    for column in columns[2:]:
        np.maximum(second, np.minimum(first, column), out=second)
        np.maximum(first, column, out=first)


def squared_norms(x: Array) -> Array:
    """Squared Euclidean length of each row of `x` (n, d), as (n,).

    Examples
    --------
    >>> squared_norms(np.array([[3.0, 4.0]]))
    array([25.])
    """
    if isinstance(x, np.ndarray):
        return np.einsum("ij,ij->i", x, x)
    return namespace(x).sum(x * x, axis=-1)


def surpluses(rows: Array, thresholds: Array) -> Array:
    """Σ_t max(x_t − threshold_t, 0) for each row x of `rows` (b, t); equal rows give equal sums.

    `rows` must be a temporary of the caller: where the library allows, it is overwritten.

    Examples
    --------
    >>> surpluses(np.array([[1.0, 5.0], [3.0, 0.0]]), np.array([2.0, 2.0]))
    array([3., 1.])
    """
    xp = namespace(rows, thresholds)
    rows -= thresholds
    excess = np.maximum(rows, 0, out=rows) if isinstance(rows, np.ndarray) else xp.clip(rows, min=0.0)
    return xp.sum(excess, axis=-1)


def tie_ranks(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A random rank for each of `n` positions; among equals the smaller rank goes first.

    Examples
    --------
    >>> sorted(tie_ranks(4, np.random.default_rng(0)).tolist())
    [0, 1, 2, 3]
    """
    return rng.permutation(n)


def top_k(scores: Array, k: int, rng: np.random.Generator) -> Array:
    """Positions of the `k` largest `scores` (n,), best first; exact ties in a seeded random order.

    The same `rng` gives the same positions for every array library. Cost: O(n + k log k).

    Examples
    --------
    >>> top_k(np.array([0.1, 0.9, 0.5]), 2, np.random.default_rng(0))
    array([1, 2])
    """
    ranks = tie_ranks(scores.shape[0], rng)
    if array_api_compat.is_torch_array(scores):
        least = scores.topk(k).values[-1]
        contenders = to_numpy((scores >= least).nonzero()[:, 0])
        values = to_numpy(take(scores, contenders))
    else:
        host = to_numpy(scores)
        least = np.partition(host, host.shape[0] - k)[host.shape[0] - k]
        contenders = np.flatnonzero(host >= least)
        values = host[contenders]
    order = np.lexsort((-ranks[contenders], values))[::-1][:k]
    return from_numpy(contenders[order], like=scores)


def fill(picked: NDArray[np.int64], k: int, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
    """`picked` followed by the unpicked positions of smallest rank, `k` positions in all.

    For searches that ran out of positive gains: what is left is equally good, so it is chosen at random.

    Examples
    --------
    >>> fill(np.array([3]), 3, ranks=np.array([2, 0, 3, 1]))
    array([3, 1, 0])
    """
    free = np.ones(len(ranks), dtype=bool)
    free[picked] = False
    rest = np.flatnonzero(free)
    missing = k - len(picked)
    if missing < len(rest):
        rest = rest[np.argpartition(ranks[rest], missing)[:missing]]
    return np.concatenate([picked, rest[np.argsort(ranks[rest])]]).astype(np.int64)
