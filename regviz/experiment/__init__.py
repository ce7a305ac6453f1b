"""The article, done for real, on the reader's own engine."""
