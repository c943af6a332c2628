"""What goes to one person's own address because they asked for it themselves: codes, and tests of templates."""
