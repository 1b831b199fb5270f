"""Presets, and the loader from TOML to frozen dataclasses."""
