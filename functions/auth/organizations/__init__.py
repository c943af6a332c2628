"""Organizations: members, invitations, projects."""
