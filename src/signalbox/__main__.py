"""`python -m signalbox`, and the `signalbox` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from signalbox.cli import main as command
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    command(prog_name="signalbox")


if __name__ == "__main__":
    main()
