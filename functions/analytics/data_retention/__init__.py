"""How long tracked events are kept: as the plan has it, or less where the organization wants so."""
