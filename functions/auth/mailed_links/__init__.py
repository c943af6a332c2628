"""Pages behind the links of mails, for deployments whose people have no application to follow them in."""
