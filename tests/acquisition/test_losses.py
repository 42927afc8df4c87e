"""Predicted losses pass through as they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from askwise.acquisition.losses import predicted_loss
from askwise.strategy import Strategy


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_are_the_predictions(dtype) -> None:
    values = np.random.default_rng(0).exponential(size=20).astype(dtype)
    assert np.array_equal(predicted_loss(values), values)
    assert isinstance(predicted_loss(torch.asarray(values)), torch.Tensor)


def test_the_largest_expected_losses_are_asked_for() -> None:
    picks = Strategy(predicted_loss)(2, np.random.default_rng(0), predicted_loss=np.array([-1.0, 3.0, 2.0]))
    assert picks.tolist() == [1, 2]
