"""The program itself over HTTP: health, documentation, console, request log."""
