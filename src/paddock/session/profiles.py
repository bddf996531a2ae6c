"""Named settings, for those who may not look into the settings room themselves."""

from __future__ import annotations

from paddock.settings.profiles import PROFILES, Profile, profile_named

__all__ = ["PROFILES", "Profile", "profile_named"]
