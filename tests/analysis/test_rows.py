"""Rows chosen by repository, tag and time of push."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from regviz.analysis import choose_rows
from regviz.errors import NotKnowableError, RegvizError

TABLE = pd.DataFrame(
    {
        "repository": pd.Series(["library/node", "team/web", "team/web", None, "team/api"], dtype="category"),
        "tag": pd.Series(["1", "1.0", "latest", None, "2"], dtype="category"),
        "pushed_at": pd.to_datetime(["2014-01-01", "2014-02-01", None, None, "2014-03-01"], utc=True),
    }
).set_index(pd.Index([9, 8, 7, 6, 5]))


@pytest.mark.parametrize(
    ("said", "rows"),
    [
        ({}, [9, 8, 7, 6, 5]),
        ({"repositories": "team/*"}, [8, 7, 5]),
        ({"repositories": "node"}, [9]),
        ({"repositories": ["node", "*/api"]}, [9, 5]),
        ({"repositories": []}, []),
        ({"tag": "^1"}, [9, 8]),
        ({"tag": "^1", "repositories": "team/*"}, [8]),
        ({"pushed_from": "2014-02-01"}, [8, 5]),
        ({"pushed_before": "2014-02-01"}, [9]),
        ({"pushed_from": pd.Timestamp("2014-02-01T01:00:00+01:00"), "pushed_before": "2014-03-01"}, [8]),
        ({"tags": TABLE.iloc[[1]]}, [8]),
        ({"tags": TABLE.iloc[[1]][["repository"]].assign(tag="latest")}, [7]),
        ({"tags": TABLE.iloc[:0]}, []),
    ],
)
def test_rows_to_which_all_that_is_said_applies(said: dict[str, Any], rows: list[int]) -> None:
    table = TABLE.copy()
    table.attrs["total"] = 5
    found = choose_rows(table, **said)
    assert found.index.tolist() == rows
    assert found.attrs == {"total": 5}
    pd.testing.assert_frame_equal(found, table.loc[rows])


def test_a_table_without_tags_is_chosen_from_by_their_repositories() -> None:
    sizes = pd.DataFrame({"repository": ["a", "team/web", "b"], "bytes": [1, 2, 3]})
    assert choose_rows(sizes, tags=TABLE.iloc[[2]])["bytes"].tolist() == [2]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"tag": "("}, "no regular expression"),
        ({"pushed_from": "soon"}, "'soon' is no time; give"),
        ({"pushed_before": ""}, "is no time; give"),
    ],
)
def test_what_means_nothing_is_said(said: dict[str, Any], message: str) -> None:
    with pytest.raises(RegvizError, match=message):
        choose_rows(TABLE, **said)


def test_a_table_without_the_column_says_what_it_has() -> None:
    with pytest.raises(RegvizError, match=r"repository cannot choose here.*columns tag, pushed_at"):
        choose_rows(TABLE[["tag", "pushed_at"]], repositories="*")
    with pytest.raises(RegvizError, match=r"choose from reg\.tags first"):
        choose_rows(TABLE[["repository"]], pushed_from="2014-01-01")


def test_times_that_nobody_knows_choose_nothing() -> None:
    with pytest.raises(NotKnowableError, match="read the storage itself"):
        choose_rows(TABLE[TABLE["pushed_at"].isna()], pushed_before="2014-01-01")
    assert len(choose_rows(TABLE.iloc[:0], pushed_before="2014-01-01")) == 0
