"""The inbox: what people read in the application."""
