"""Signing in with Google, GitHub or any OpenID Connect issuer, and the identities there."""
