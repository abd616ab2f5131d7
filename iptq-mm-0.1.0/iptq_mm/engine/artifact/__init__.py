"""What a run leaves to be loaded: the integer checkpoint and its config."""
