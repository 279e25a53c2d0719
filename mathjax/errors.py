"""The one base of every error that a user can cause and mend; `mathjax.launcher` prints it without
a traceback."""


class UserError(ValueError):
    """Text names the key, file or line, says what was wrong and what to do."""
