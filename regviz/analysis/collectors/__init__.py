"""What garbage collectors do to a storage, worked out from its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from regviz.analysis.collectors.distribution import DistributionCollector
from regviz.analysis.collectors.plain import PlainCollector
from regviz.analysis.collectors.seen import Seen
from regviz.analysis.collectors.verdict import Abort, CollectorName, Deletion, Verdict
from regviz.analysis.states import MIN_AGE
from regviz.errors import RegvizError

if TYPE_CHECKING:
    import datetime as dt

    from regviz.registry import Registry

__all__ = ["COLLECTORS", "Abort", "Collector", "CollectorName", "Deletion", "Verdict", "collect"]

COLLECTORS: tuple[CollectorName, ...] = get_args(CollectorName)


class Collector:
    """A collector on one registry, asked any number of times what it would do.

    Parameters
    ----------
    reg : Registry
    name : {"reachability", "distribution-2.8", "distribution-2.8-m", "distribution-3", "distribution-3-m", "v1"}
    min_age : datetime.timedelta
        For ``reachability`` and ``v1``: what is younger stays. Distribution's own collectors do not look at the age.

    Raises
    ------
    RegvizError
        There is no such collector, or none such for this source.
    NotKnowableError
        The source cannot know what it would do.

    Examples
    --------
    >>> import regviz as rv
    >>> reg = rv.read()
    >>> collector = Collector(reg, "distribution-2.8-m")
    >>> verdict, deletion = collector.collect(), Deletion.nothing(reg)
    >>> deletion.tags[:] = True
    >>> int(verdict.blobs.sum()) < int(collector.collect(deletion).blobs.sum())
    True
    """

    def __init__(self, reg: Registry, name: CollectorName, *, min_age: dt.timedelta = MIN_AGE) -> None:
        _require(reg, name)
        self._nothing = Deletion.nothing(reg)
        self._is_complete = reg.complete
        plain = name in ("reachability", "v1")
        self._collect = PlainCollector(reg, name, min_age) if plain else DistributionCollector(Seen(reg), name)

    def collect(self, without: Deletion | None = None) -> Verdict:
        """What it does, once that was deleted through the API; of what was not read completely, nothing."""
        verdict = self._collect.collect(self._nothing if without is None else without)
        return verdict if self._is_complete else verdict.nothing()


def collect(reg: Registry, collector: CollectorName, *, without: Deletion | None = None) -> Verdict:
    """What a collector would do to a registry.

    Parameters
    ----------
    reg : Registry
    collector : str
        See :class:`Collector`, which is quicker to ask more than once.
    without : Deletion, optional
        What is deleted through the API before it runs.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> import regviz as rv
    >>> collect(rv.read(), "distribution-2.8").abort is None
    True
    """
    return Collector(reg, collector).collect(without)


def _require(reg: Registry, name: str) -> None:
    source = reg.source
    if name not in COLLECTORS:
        raise RegvizError(f"there is no collector {name!r}; there are {', '.join(COLLECTORS)}")
    source.require_contents("what a collector does")
    layout = "v1" if name == "v1" else "distribution" if name.startswith("distribution") else ""
    if layout and layout != source.layouts[0]:
        known = "v1" if source.layouts[0] == "v1" else "reachability"
        raise RegvizError(f"{name} collects {layout} storage, and {source.uri} is {source.layouts[0]}; ask {known}")
