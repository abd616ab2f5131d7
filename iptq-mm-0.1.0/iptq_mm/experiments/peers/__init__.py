"""Networks by others, which keep non-linear functions in float."""
from .quantizers import PEERS, QUANTIZERS, check_peer

__all__ = ['PEERS', 'QUANTIZERS', 'check_peer']
