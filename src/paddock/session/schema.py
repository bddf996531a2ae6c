"""The JSON Schema of the settings, for the verb that prints it."""

from __future__ import annotations

from paddock.settings.schema import json_schema

__all__ = ["json_schema"]
