"""A registry as graphs of networkx: the forest of layers, and the objects that refer to each other."""

from __future__ import annotations

from regviz.graph.collapse import collapse_chains
from regviz.graph.export import FORMATS, write_graph
from regviz.graph.layers import layer_graph
from regviz.graph.objects import object_graph

__all__ = ["FORMATS", "collapse_chains", "layer_graph", "object_graph", "write_graph"]
