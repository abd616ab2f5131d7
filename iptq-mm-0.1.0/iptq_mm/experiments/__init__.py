"""Studies of the functions and of the metric, and the papers' tables."""
