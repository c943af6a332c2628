"""What the pages of every area share: their layout, their style, and the headers that keep others out of them."""
