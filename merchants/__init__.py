"""Members, their stores and their staff."""
