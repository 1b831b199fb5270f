"""Games and their contract."""
