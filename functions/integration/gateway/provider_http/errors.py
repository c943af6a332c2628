"""What goes wrong between the gateway and a provider's server; a server that is too slow is a TimeoutError."""


class ConnectFailed(Exception):
    """No connection was made: no address, nobody listens there, or TLS failed. Nothing was sent."""


class ConnectionBroken(Exception):
    """The connection ended early, or what came over it is no HTTP. What was sent may have had its effect."""
