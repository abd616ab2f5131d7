"""Pages in Markdown of what the experiments have measured."""
