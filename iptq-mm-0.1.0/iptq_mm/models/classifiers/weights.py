"""Float weights that may be out of reach."""
from huggingface_hub import file_exists, try_to_load_from_cache

_FILES = ('model.safetensors', 'pytorch_model.bin')
"""What timm looks for in a repository of the Hugging Face Hub."""


class WeightsUnavailableError(RuntimeError):
    """Weights are out of reach; the message says what to do."""


def ask_hub(repository: str) -> None:
    """Ask once for weights that are not in the cache: a download would try
    again for most of a minute where there is no network.

    Args:
        repository (str): On the Hugging Face Hub, ``OWNER/NAME``.

    Raises:
        Exception: The network's, if the hub does not answer.
    """
    if not any(try_to_load_from_cache(repository, file) for file in _FILES):
        file_exists(repository, _FILES[0])
