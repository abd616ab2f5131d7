"""A float Swin or ViT to integers, whoever wrote it: a description of it, and
what follows from that."""
