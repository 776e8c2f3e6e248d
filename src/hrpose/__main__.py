"""`python -m hrpose`: the command line, where the `hrpose` script is not on the path."""

from hrpose.cli import main

if __name__ == "__main__":
    main(prog_name="hrpose")
