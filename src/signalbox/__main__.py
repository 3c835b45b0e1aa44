"""`python -m signalbox`, and the `signalbox` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line and exit with its code."""
    from signalbox.cli import main as command

    command(prog_name="signalbox")


if __name__ == "__main__":
    main()
