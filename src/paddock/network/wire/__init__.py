"""Placeholder map; see the room's modules."""
