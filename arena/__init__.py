"""Matches, tournaments, ratings, records and the command line."""
