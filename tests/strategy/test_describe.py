"""The catalogue in words comes from the functions' documentation, every row complete."""

from __future__ import annotations

import pytest

from askwise.acquisition import CATALOGUE
from askwise.strategy import describe
from askwise.strategy.describe import entry, section

DOCUMENTED = """Take the first.

Notes
-----
Formula: s = 1
Use when there is
    little time.
Avoid when: it matters.
Cost: none.

References
----------
.. [1] A. Person, "A title", 2001.
.. [2] B. Other, 2002.

Examples
--------
>>> 1
"""


def test_entries_end_where_the_next_begins():
    assert entry(DOCUMENTED, "Use when") == "there is little time."
    assert entry(DOCUMENTED, "Avoid when") == "it matters."
    assert entry(DOCUMENTED, "Never") == ""
    assert section(DOCUMENTED, "References") == 'A. Person, "A title", 2001. B. Other, 2002.'
    assert section(DOCUMENTED, "Raises") == ""


def test_rows_follow_the_catalogue():
    assert [row.name for row in describe()] == list(CATALOGUE)


@pytest.mark.parametrize("row", describe(), ids=lambda row: row.name)
def test_every_row_is_complete(row):
    assert row.summary
    assert "\n" not in row.summary
    assert row.use_when
    assert row.avoid_when
    assert not {"k", "rng", "n"} & set(row.needs)
