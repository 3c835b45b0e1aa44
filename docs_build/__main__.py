"""`python -m docs_build` builds the site if its sources changed; with `reference` it writes the API reference."""

import sys

from docs_build import site

if __name__ == "__main__":
    if sys.argv[1:] == ["reference"]:
        # Imported here, because it imports the program and its clients, which the site does not need.
        from docs_build import reference

        reference.write()
    elif sys.argv[1:]:
        sys.exit("usage: python -m docs_build [reference]")
    elif not site.is_current():
        site.build()
