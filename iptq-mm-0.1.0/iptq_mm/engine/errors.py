"""The error that a user can mend."""


class UserError(ValueError):
    """Input that cannot be worked with.

    Its message is one sentence or two that name the thing and the remedy; a
    command prints it without a traceback and exits with 1.
    """
