"""What bytes mean: one package or module a layout."""
