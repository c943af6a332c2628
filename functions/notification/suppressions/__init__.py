"""Addresses that nothing is sent to any more, for who operates the deployment: to see, and to lift."""
