"""Published weights: where they lie, how they are read, renamed, checked and loaded."""
