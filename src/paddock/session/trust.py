"""What a project's files widen: shown, accepted, taken back."""

from __future__ import annotations

from dataclasses import dataclass

from paddock.errors import PolicyError
from paddock.model.settings import Entry, Settings
from paddock.session.prepare import Request, load_settings
from paddock.settings.truststore import accepted_entries, forget_trust, record_trust

__all__ = ["Waiting", "accept", "revoke", "waiting"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Entries that wait for acceptance. ``new`` were never accepted; ``known`` were, as part of another set; ``gone`` are (key, text) accepted once and no
    longer written.
    """

    settings: Settings
    new: tuple[Entry, ...]
    known: tuple[Entry, ...]
    gone: tuple[tuple[str, str], ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everything that would be accepted."""
        return self.settings.trust_needed


def waiting(request: Request) -> Waiting:
    """Look at the project in the request's working folder. Raises ``SettingsError``."""
    settings = load_settings(request)
    before = accepted_entries(settings.context.state_home, settings.context.project_root)
    now = {(e.origin.key, e.origin.text): e for e in settings.trust_needed}
    return Waiting(
        settings=settings,
        new=tuple(e for pair, e in now.items() if pair not in before),
        known=tuple(e for pair, e in now.items() if pair in before),
        gone=tuple(pair for pair in before if pair not in now) if now else (),
    )


def accept(shown: Waiting) -> str:
    """Accept exactly the set that was shown: the digest was made from the same reading. Returns the file that records it. Raises ``PolicyError``."""
    context = shown.settings.context
    try:
        return record_trust(context.state_home, context.project_root, shown.settings.trust_digest, shown.entries)
    except OSError as error:
        raise PolicyError(f"acceptance cannot be recorded in {context.state_home}: {error.strerror}", hint="`--trust-project` accepts for one run") from error


def revoke(request: Request) -> bool:
    """Take acceptance back. False when nothing had been accepted."""
    context = load_settings(request).context
    return forget_trust(context.state_home, context.project_root)
