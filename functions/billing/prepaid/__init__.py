"""Organizations that pay in advance: the gateway holds their calls against what their credit is worth."""
