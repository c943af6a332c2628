"""Second factors: authenticator apps, recovery codes and passkeys, and proving anew who one is."""
