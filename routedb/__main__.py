"""`python -m routedb`: the command line."""

from routedb.cli import main

if __name__ == "__main__":
    main(prog_name="python -m routedb")
