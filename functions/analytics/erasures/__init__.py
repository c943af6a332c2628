"""Who was erased: what arrives later of these people is not kept under their name."""
