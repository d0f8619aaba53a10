"""The only package that knows HTTP: routes, who may call them, and how answers look."""
