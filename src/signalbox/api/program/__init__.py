"""What the program says about itself over HTTP: health, documentation, console, requests."""
