"""``python -m worker.cli``: the command, where it is not installed on PATH."""

from worker.cli import main

if __name__ == "__main__":
    main()
