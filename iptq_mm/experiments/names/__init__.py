"""Which networks of other libraries go through quantization."""
