"""One model's functions in tables and pictures: ``tools/analyze.py``."""
