"""Why a result is worse than hoped, and what to try."""
