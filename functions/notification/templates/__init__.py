"""What messages say: the templates that are shipped, those of organizations, and what becomes of both."""
