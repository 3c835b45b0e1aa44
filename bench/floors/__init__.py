"""The floors: `bare` does as little as possible; `peer` is what a team would usually write."""
