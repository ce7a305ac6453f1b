"""What Docker itself keeps and writes: the archives of ``docker save``, and an engine's own store."""
