"""Comparisons of parts of Signalbox with libraries for the same purpose.

`make parts ARGS=router` runs one comparison. Each page in docs/decisions/ names its command.
"""
