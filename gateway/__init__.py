"""The machine-facing room: what hospitals and other systems send becomes events of the contract."""
