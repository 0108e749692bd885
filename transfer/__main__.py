"""``python -m transfer``."""

from transfer.cli.main import main

if __name__ == "__main__":
    main()
