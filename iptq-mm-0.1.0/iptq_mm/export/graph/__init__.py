"""Tracing an integer region into a graph of ONNX."""
