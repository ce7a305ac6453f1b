"""What deleting tags would free, and what it would break."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from regviz.analysis.choose import choose_tags
from regviz.analysis.deletion import link_rows, removal, served_links
from regviz.analysis.reach import columns, rows_of
from regviz.graph.values import numbers, texts

if TYPE_CHECKING:
    import datetime as dt
    import re
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from regviz.analysis.deletion import DeleteBy, Removal
    from regviz.registry import Registry

    Mask = NDArray[np.bool_]
