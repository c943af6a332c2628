"""The HTTP front door: what API Gateway does with a request, on 127.0.0.1."""
