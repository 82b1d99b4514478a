"""`jupyter workspace`: what the panel does, from a terminal, over the same HTTP routes."""
