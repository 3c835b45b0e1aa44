"""What every kind of asynchronous work shares: accounts take turns, and work is claimed inside one account."""
