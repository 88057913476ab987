"""`python -m symdiff`: the same as the command `symdiff`."""

from .cli import main

if __name__ == "__main__":
    main(prog_name="symdiff")
