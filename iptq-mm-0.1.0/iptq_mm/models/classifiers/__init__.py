"""Integer networks of timm's families, and the model around them."""
