"""Privacy: what is known of a person goes when it has to."""
