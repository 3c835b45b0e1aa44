"""The queue of all asynchronous work: accounts take turns, and a worker claims work of one account."""
