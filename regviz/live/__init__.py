"""What answers over a wire, read into the same tables as storage."""
