"""`python -m docs_build` builds the site when its sources have changed; `python -m docs_build reference` its pages."""

import sys

from docs_build import site

if __name__ == "__main__":
    if sys.argv[1:] == ["reference"]:
        # It needs the program and its clients; the site needs neither.
        from docs_build import reference

        reference.write()
    elif sys.argv[1:]:
        sys.exit("usage: python -m docs_build [reference]")
    elif not site.is_current():
        site.build()
