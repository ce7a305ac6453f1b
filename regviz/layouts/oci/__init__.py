"""OCI image layouts: one in a folder or an archive, many below a zot root."""
