"""Model cards: data only, one file for each source of weights."""
