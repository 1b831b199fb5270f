"""Connect X: four in a row on boards of any size that fits in 64 bits."""
