"""What keeps the bytes of a store: how many there are of each state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.analysis.garbage import require_knowable
from regviz.analysis.owned import stored_bytes
from regviz.analysis.states import MIN_AGE, STATES, blob_states

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd

    from regviz.registry import Registry

_MEANING = {
    "tagged": "a tag leads to it",
    "referenced": "only a manifest leads to it that speaks about a tagged one",
    "untagged": "only untagged manifests lead to it; they can be pulled by digest or id",
    "unreferenced": "nothing leads to it: what collection frees",
    "recent": "nothing leads to it yet; a push under way may own it",
    "unknown": "not all was read that could lead to it",
}


def states(reg: Registry, *, min_age: dt.timedelta = MIN_AGE) -> pd.DataFrame:
    """What keeps the bytes of a store: every blob that is there has exactly one state.

    Parameters
    ----------
    reg : Registry
    min_age : datetime.timedelta
        What nothing leads to and is younger counts as recent; see
        :func:`regviz.analysis.states.blob_states`.

    Returns
    -------
    pandas.DataFrame
        One row for each state, in this order, also where no blob has it: ``tagged``, ``referenced``, ``untagged``,
        ``unreferenced``, ``recent``, ``unknown``.

        state
        blobs, bytes
            How many blobs have it, and their bytes: together all that lie in the store, each once.
        meaning
            In a sentence.

        ``attrs`` has the ``stored_bytes``, to which ``bytes`` adds up.

    Raises
    ------
    NotKnowableError
        The source cannot know, as for `garbage`.

    See Also
    --------
    regviz.garbage : what a collector would delete, blob by blob.

    Examples
    --------
    Tag ``1`` names a manifest of 500 bytes with a layer of 100; a layer of 7 was left over long ago::

        state           blobs   bytes
        tagged              2     600
        unreferenced        1       7

    >>> import regviz as rv
    >>> table = states(rv.read())
    >>> int(table["bytes"].sum()) == table.attrs["stored_bytes"]
    True
    """
    import pandas as pd

    require_knowable(reg, "states")
    state, stored = blob_states(reg, min_age=min_age), stored_bytes(reg)
    chosen = [state == number for number in range(len(STATES))]
    table = pd.DataFrame(
        {
            "state": pd.Series(STATES, dtype="str"),
            "blobs": pd.Series([int(each.sum()) for each in chosen], dtype="Int64"),
            "bytes": pd.Series([int(stored[each].sum()) for each in chosen], dtype="Int64"),
            "meaning": pd.Series([_MEANING[name] for name in STATES], dtype="str"),
        }
    )
    table.attrs |= {"stored_bytes": int(np.sum(stored))}
    return table
