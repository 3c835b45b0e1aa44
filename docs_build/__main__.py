"""`python -m docs_build` builds the site if its sources changed.

`reference` writes the API reference and the lists of other pages; `is-current` exits with 1 if the site must be built;
`words` counts the words of each page.
"""

import sys

from docs_build import site

if __name__ == "__main__":
    if sys.argv[1:] == ["reference"]:
        # Imported here, because it imports the program and its clients, which the site does not need.
        from docs_build import reference

        reference.write()
    elif sys.argv[1:] == ["is-current"]:
        sys.exit(not site.is_current())
    elif sys.argv[1:] == ["words"]:
        from docs_build import words

        sys.stdout.write(f"{words.table()}\n")
    elif sys.argv[1:]:
        sys.exit("usage: python -m docs_build [reference | is-current | words]")
    elif not site.is_current():
        site.build()
