"""What stands behind the platform on a laptop in place of the vendors' own services."""
