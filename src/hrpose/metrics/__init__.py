"""How good the points are."""
