"""The tests of this example."""
