"""The platform as an OAuth 2.1 authorization server and OpenID provider: applications, grants and tokens."""
