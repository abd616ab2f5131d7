"""The same float function with channels that quantize better."""
