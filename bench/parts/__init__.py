"""Parts that we wrote ourselves, each beside the library that also does it.

`make parts ARGS=router` runs one of them; the pages in docs/decisions/ name theirs.
"""
