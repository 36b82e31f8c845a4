"""The virtual network, its capacity rows and its restrictions."""
