"""The forest of layers as an SVG file."""
