"""One loss a file, in plain NumPy."""
