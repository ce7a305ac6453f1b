"""Who stands on what: users of a layer, ancestors, descendants, tagged bases."""

from __future__ import annotations

from regviz.analysis.lineage.bases import bases, nearest_base
from regviz.analysis.lineage.relatives import ancestors, descendants
from regviz.analysis.lineage.users import who_uses

__all__ = ["ancestors", "bases", "descendants", "nearest_base", "who_uses"]
