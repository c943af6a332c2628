"""On what terms billing lets organizations call models, as the gateways are to hear of it."""
