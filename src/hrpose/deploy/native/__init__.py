"""The library's own kernels for processors: a network for one shape as a program of them."""
