"""Gradients as written by hand in NumPy, a file for each workload.

`plain(*arguments)` returns the value and the gradient as a good engineer writes them
down; `tuned(*arguments)` returns a function that does the same as fast as NumPy can. It
writes into buffers, of which the gradient that it returns is one: each call writes over
the gradient of the last.
"""
