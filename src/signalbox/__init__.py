"""Signalbox: the Communications API as a program you run yourself."""

__version__ = "0.1.0"
