"""Charts of few series, drawn the same as PDF and as PNG."""
