"""Files checked and compared: operators, types, and every output."""
