"""`python -m signalbox`, and the `signalbox` command."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line and exit with its code."""
    # The objects that imports make stay: collecting among them is a tenth of the time to start.
    gc.disable()
    try:
        from signalbox.cli import main as command
        from signalbox.cli.endings import ending_of_output
        from signalbox.cli.streams import prepare
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    finally:
        gc.enable()
    prepare()
    with ending_of_output():
        command(prog_name="signalbox")


if __name__ == "__main__":
    main()
