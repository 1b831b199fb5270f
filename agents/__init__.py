"""Players and what makes them."""
