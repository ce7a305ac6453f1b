"""Look into a container registry: its tables, its graph, its report, from the bytes on a disk."""

__version__ = "0.1.0"
