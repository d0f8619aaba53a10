"""The routes, a package per audience."""
