"""The Lambda Runtime API host: every function of the template in worker processes of its own."""
