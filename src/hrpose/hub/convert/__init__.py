"""Rename tables, one for each origin of weights, and the engine that reads them in both directions."""
