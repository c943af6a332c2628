"""Who sends messages: each vendor in a module of its own, behind `notification.delivery.ports.Provider`."""
