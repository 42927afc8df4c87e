"""Both back ends keep every promise of the interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from askwise.testing.storage import CHECKS, StorageSuite


@pytest.mark.parametrize("name", CHECKS)
def test_storage(new_place: Callable[[], Any], name: str) -> None:
    dict(StorageSuite(new_place))[name]()
