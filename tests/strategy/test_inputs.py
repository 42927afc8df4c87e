"""Everything that enters a function is checked: names, shapes, agreement, values; and every error says what to do."""

from __future__ import annotations

import tracemalloc

import array_api_strict
import numpy as np
import pytest
import torch

from askwise.errors import ContractError
from askwise.strategy import Strategy
from askwise.strategy.inputs import check_inputs
from askwise.testing.pools import ARRAYS, example

POOL = example(10, m=4, t=3, C=3, S=2, d=5)
RNG = np.random.default_rng(0)


def check(n=None, **given):
    return check_inputs("mine", tuple(given), given, n)


def changed(word, index, value):
    array = POOL.arrays[word].copy()
    array[index] = value
    return array


def test_good_inputs_pass_without_a_copy():
    evidence = check(**POOL.arrays)
    assert evidence.n == 10
    assert all(evidence.arrays[word] is POOL.arrays[word] for word in ARRAYS)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"probs": 1}, r"^mine: unknown input 'probs'; did you mean 'proba'\?; known: proba, samples"),
        ({"k": 3}, r"unknown input 'k'"),
        (
            {"proba": None},
            r"mine: needs 'proba' \(n, C\) from learner.predict_proba\(X\): pass class probabilities",
        ),
        ({"view": None}, r"needs 'view' object"),
        ({"labeled_embedding": None}, r"nothing labelled yet: numpy.empty\(\(0, d\)\)"),
        ({"proba": [0.5, 0.5]}, r"proba has shape \(2,\); expected \(n, C\): pass class probabilities"),
        ({"samples": POOL.arrays["proba"]}, r"samples has shape \(10, 3\); expected \(S, n, C\)"),
        ({"decision": np.zeros((2, 2, 2))}, r"decision has shape \(2, 2, 2\); expected \(n, C\) or \(n,\)"),
        ({"labeled_embedding": [], "embedding": np.zeros((3, 2))}, r"labeled_embedding has shape \(0,\)"),
        ({"proba": np.empty((3, 0))}, r"proba has shape \(3, 0\); expected \(n, C\) with C at least 1"),
        (
            {"embedding": np.zeros((12, 2)), "proba": np.full((10, 2), 0.5)},
            r"embedding has shape \(12, 2\), proba has shape \(10, 2\); n is 12 in one and 10 in the other: "
            r"both need one row a candidate",
        ),
        (
            {"embedding": np.zeros((3, 2)), "labeled_embedding": np.zeros((1, 5))},
            r"d is 2 in one and 5 in the other",
        ),
        (
            {"proba": np.full((3, 2), 0.5), "labeled_proba": np.full((3, 4), 0.25)},
            r"both need one column a class",
        ),
        (
            {"mean": [1.0], "labels": [1], "labeled_proba": [[1.0], [1.0]]},
            r"both need one row a labelled item",
        ),
        ({"mean": ["a"]}, r"mean has values of type <U1; expected real numbers: pass the predicted means"),
        ({"mean": [1j]}, r"mean has values of type complex128"),
        ({"mean": [object()]}, r"mean has values of type object"),
        ({"labels": ["cat", "dog"], "mean": [1.0]}, r"labels has values of type <U3.*class positions 0..C-1"),
        ({"embedding": [[1.0], [1.0, 2.0]]}, r"embedding is not an array: .*; expected \(n, d\)"),
        ({"mean": np.ma.masked_equal([1.0, 2.0], 2.0)}, r"mean has masked values; fill them"),
        ({"proba": [[0.5, 0.6], [1, 0]]}, r"proba row 0 sums to 1.1; .*pass probabilities, not logits"),
        ({"proba": [[1, 0], [1.6, 0.5]]}, r"proba row 1 sums to 2.1"),
        ({"proba": [[0.5, 0.5], [-0.5, 1.5]]}, r"proba row 1, column 0, is -0.5; .*not logits"),
        ({"samples": changed("samples", (1, 4), 0.5)}, r"samples row 4 of sample 1 sums to 1.5"),
        ({"samples": changed("samples", (1, 4, 2), np.nan)}, r"samples row 4, column 2, of sample 1 is nan"),
        (
            {"embedding": changed("embedding", (7, 2), np.nan)},
            r"embedding row 7, column 2, is nan; .*leave those rows out",
        ),
        ({"embedding": changed("embedding", (3, 0), -np.inf)}, r"embedding row 3, column 0, is -inf"),
        ({"proba": changed("proba", 6, np.inf)}, r"proba row 6, column 0, is inf"),
        ({"predicted_loss": changed("predicted_loss", 9, np.nan)}, r"predicted_loss row 9 is nan"),
        ({"std": changed("std", 2, -1)}, r"std row 2 is -1; expected not negative values"),
        ({"cost": changed("cost", 2, 0)}, r"cost row 2 is 0; expected positive values: .*more than 0"),
        ({"labels": [0, np.nan], "mean": [1.0]}, r"labels row 1 is nan"),
        (
            {"proba": POOL.arrays["proba"], "labels": [0, 3]},
            r"labels row 1 is 3; expected one of the 3 classes",
        ),
        ({"proba": POOL.arrays["proba"], "labels": [0.0, 0.5]}, r"labels row 1 is 0.5"),
        ({"proba": POOL.arrays["proba"], "labels": [-1]}, r"labels row 0 is -1"),
        ({"labels": [1, 2]}, r"the number of candidates is unknown: pass n="),
        ({"mean": [1.0, 2.0], "n": 3}, r"n says 3 candidates, mean says 2"),
        ({"mean": [1.0], "n": -1}, r"n is -1; expected at least 0"),
        ({"mean": [1.0], "n": 2.5}, r"n is 2.5; expected a whole number"),
    ],
)
def test_refused_with_what_came_what_was_expected_and_what_to_do(given, message):
    with pytest.raises(ContractError, match=message) as caught:
        check(**given)
    assert str(caught.value).startswith("mine: ")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("word", [word for word in ARRAYS if word != "labels"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_array_is_searched_to_its_last_value(word, value, dtype):
    array = POOL.arrays[word].astype(dtype)
    array[(-1,) * array.ndim] = value
    with pytest.raises(
        ContractError, match=f"{word} row {array.shape[1 if array.ndim == 3 else 0] - 1}.* is {value}"
    ):
        check(**(POOL.arrays | {word: array}))


def test_large_finite_values_are_not_mistaken_for_infinite_ones():
    check(embedding=np.full((3, 8), 3e38, dtype=np.float32), mean=np.full(3, 1e308))


def test_rounding_of_probabilities_is_forgiven():
    check(proba=np.array([[0.5004, 0.5], [-1e-9, 1.0]]))
    half = POOL.arrays["proba"].astype(np.float16)
    assert check(proba=half).arrays["proba"].dtype == np.float32


def test_first_row_at_fault_is_named_wherever_the_blocks_end():
    proba = np.full((300_000, 2), 0.5)
    proba[234_567] = proba[299_999] = 3.0
    with pytest.raises(ContractError, match="proba row 234567 sums to 6"):
        check(proba=proba)


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        ([[0, 1], [1, 0]], np.float64),
        (np.array([[0, 255]], dtype=np.uint8), np.float32),
        (np.array([[True, False]]), np.float32),
        (np.array([[1, 2]], dtype=np.int64), np.float64),
        (np.array([[1, 2]], dtype=np.float16), np.float32),
        (np.array([[1, 2]], dtype=">f4"), np.float32),
        (np.array([[1, 2]], dtype=">f8"), np.float64),
        (np.array([[1, 2]], dtype=np.longdouble), np.float64),
        (np.array([[1, 2.5]], dtype=object), np.float64),
        (np.ma.masked_array([[1.0, 2.0]]), np.float64),
    ],
)
def test_numbers_become_floats(given, dtype):
    array = check(embedding=given).arrays["embedding"]
    assert type(array) is np.ndarray
    assert array.dtype == np.dtype(dtype)
    assert array.dtype.isnative
    np.testing.assert_array_equal(array, np.asarray(given, dtype=float))


def test_labels_stay_integers():
    assert check(labels=[1, 0], mean=[1.0]).arrays["labels"].dtype == np.int64
    assert check(labels=[True], mean=[1.0]).arrays["labels"].dtype == np.int64
    assert check(labels=[1.5], mean=[1.0]).arrays["labels"].dtype == np.float64
    whole = check(labels=[2.0, 0.0], proba=POOL.arrays["proba"]).arrays["labels"]
    assert (whole.dtype, whole.tolist()) == (np.int64, [2, 0])


def test_sparse_matrices_are_refused_by_name():
    from scipy.sparse import csr_matrix

    with pytest.raises(ContractError, match=r"embedding is a sparse matrix; .*toarray"):
        check(embedding=csr_matrix(np.eye(3)))


def test_binary_decision_values_come_in_three_shapes():
    proba = np.full((4, 2), 0.5)
    for decision in (np.zeros(4), np.zeros((4, 1)), np.zeros((4, 2))):
        assert check(proba=proba, decision=decision).n == 4


def test_smaller_arrays_take_the_type_of_the_larger():
    evidence = check(embedding=np.zeros((3, 2), np.float32), labeled_embedding=np.zeros((1, 2)))
    assert evidence.arrays["labeled_embedding"].dtype == np.float32


@pytest.mark.parametrize("library", [torch, array_api_strict])
def test_other_libraries_are_checked_the_same(library):
    given = {word: library.asarray(array) for word, array in POOL.arrays.items()}
    evidence = check(**given)
    assert all(evidence.arrays[word] is given[word] for word in ARRAYS)
    for word in ARRAYS:
        bad = POOL.arrays[word].astype(float)
        bad[(-1,) * bad.ndim] = np.nan
        with pytest.raises(ContractError, match=f"{word} row .* is nan"):
            check(**(given | {word: library.asarray(bad)}))
    assert check(embedding=library.asarray([[1, 2]])).arrays["embedding"].dtype == library.float64
    assert (
        check(labels=library.asarray([1, 2]), n=1, mean=library.asarray([1.0])).arrays["labels"].dtype
        == library.int64
    )
    with pytest.raises(ContractError, match="expected real numbers"):
        check(mean=library.asarray([1j]))


def test_torch_gradients_are_left_behind_and_half_precision_is_raised():
    x = torch.zeros((3, 2), requires_grad=True)
    assert not check(embedding=x).arrays["embedding"].requires_grad
    proba = torch.softmax(torch.randn(200, 50, generator=torch.manual_seed(0)), 1)
    for dtype in (torch.float16, torch.bfloat16):
        assert check(proba=proba.to(dtype)).arrays["proba"].dtype == torch.float32


def test_lists_follow_the_library_beside_them():
    evidence = check(embedding=torch.zeros((3, 2)), labels=[1, 0], labeled_embedding=[[1, 2], [3, 4]])
    assert evidence.arrays["labels"].dtype == torch.int64
    assert evidence.arrays["labeled_embedding"].dtype == torch.float32


def test_two_libraries_in_one_call_are_refused():
    with pytest.raises(
        ContractError, match=r"embedding is NumPy, proba is torch on cpu; pass all in one library"
    ):
        check(embedding=np.zeros((3, 2)), proba=torch.full((3, 2), 0.5))


def test_inputs_that_are_not_needed_count_for_n_alone():
    strategy = Strategy(lambda k, rng, n: rng.choice(n, k, replace=False))
    assert strategy(4, RNG, embedding=np.full((4, 2), np.nan), samples=np.zeros((2, 4, 3))).shape == (4,)
    with pytest.raises(ContractError, match="embedding says 4 candidates, proba says 5"):
        strategy(4, RNG, embedding=np.zeros((4, 2)), proba=np.zeros((5, 2)))
    with pytest.raises(ContractError, match="samples says 3: give all the same"):
        strategy(4, RNG, embedding=np.zeros((4, 2)), samples=np.zeros((2, 3, 3)))


def test_memory_map_is_neither_copied_nor_written(tmp_path):
    path = tmp_path / "embedding.npy"
    np.save(path, np.random.default_rng(0).normal(size=(60_000, 64)).astype(np.float32))
    embedding = np.load(path, mmap_mode="r")
    seen = []

    def look(k, embedding):
        seen.append(embedding)
        return np.arange(k)

    strategy = Strategy(look)
    tracemalloc.start()
    strategy(3, RNG, embedding=embedding)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.shares_memory(seen[0], embedding)
    assert peak < embedding.nbytes / 20


def test_function_cannot_write_into_the_callers_array():
    def writes(proba):
        proba *= 2
        return proba[:, 0]

    proba = np.full((3, 2), 0.5)
    with pytest.raises(ValueError, match="read-only"):
        Strategy(writes)(1, RNG, proba=proba)
    assert proba.flags.writeable
    assert (proba == 0.5).all()
