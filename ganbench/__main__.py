"""`python -m ganbench` is the command `ganbench`."""

from ganbench.cli.main import main

if __name__ == "__main__":
    main()
