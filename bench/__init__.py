"""How fast the service answers, beside the least that could answer the same."""
