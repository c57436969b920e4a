"""Pictures of the operator window in the states that matter, over the simulated slide."""
