"""What float networks raise whose weights cannot be had."""


class WeightsUnavailableError(RuntimeError):
    """Weights are out of reach; the message says what to do."""
