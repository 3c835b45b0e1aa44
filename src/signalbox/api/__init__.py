"""HTTP: the route table, its handlers, and what turns bytes into calls of nouns and back."""
