"""How float weights become integers."""
