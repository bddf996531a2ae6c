"""What a project's files widen: shown, accepted, taken back."""

from __future__ import annotations

from paddock.errors import PolicyError
from paddock.host.files import HostFiles
from paddock.model.record import record, replace
from paddock.model.settings import Entry, Settings
from paddock.planner.meaning import policy_from
from paddock.planner.plan import project_hosts
from paddock.session.prepare import Request, load_settings, managed_hosts_only
from paddock.settings.trust import digest_of, recorded, written
from paddock.settings.truststore import HOSTS, accepted_entries, forget_trust, record_trust

__all__ = ["Waiting", "accept", "revoke", "waiting", "written"]


@record
class Waiting:
    """Entries that wait for acceptance. ``new`` were never accepted; ``known`` were, as part of another set; ``gone`` are (key, text) accepted once and no
    longer written. ``hosts`` are those that files of the project's tools name, waiting or accepted.
    """

    settings: Settings
    hosts: tuple[Entry, ...]
    new: tuple[Entry, ...]
    known: tuple[Entry, ...]
    gone: tuple[tuple[str, str], ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everything that would be accepted."""
        return (*self.new, *self.known)


def waiting(request: Request) -> Waiting:
    """Look at the project in the request's working folder. Raises ``SettingsError``."""
    settings = load_settings(request)
    context = settings.context
    hosts = _hosts(request)
    before = accepted_entries(context.state_home, context.project_root)
    accepted = accepted_entries(context.state_home, context.project_root, HOSTS)
    now = {(e.origin.key, recorded(e)): e for e in settings.trust_needed}
    named = {(e.origin.key, recorded(e)): e for e in hosts}
    new_hosts = tuple(e for pair, e in named.items() if pair not in accepted)
    gone = tuple(pair for pair in before if pair not in now) if now else ()
    return Waiting(
        settings=settings,
        hosts=hosts,
        new=(*(e for pair, e in now.items() if pair not in before), *new_hosts),
        known=tuple(e for pair, e in now.items() if pair in before),
        gone=(*gone, *(pair for pair in accepted if pair not in named)) if new_hosts else gone,
    )


def _hosts(request: Request) -> tuple[Entry, ...]:
    """What files of the project's tools name, for the presets that count once everything shown is accepted."""
    settings = load_settings(replace(request, trust_project=True))
    if managed_hosts_only(settings):
        return ()
    return project_hosts(policy_from(settings), settings, HostFiles(), cwd=request.cwd, environ=request.environ, allow_home=request.allow_home)


def accept(shown: Waiting) -> str:
    """Accept exactly what was shown: digests were made from the same reading. Returns the file that records it. Raises ``PolicyError``."""
    context, needed = shown.settings.context, shown.settings.trust_needed
    path = ""
    try:
        if shown.hosts:
            path = record_trust(context.state_home, context.project_root, digest_of(context.project_root, shown.hosts), shown.hosts, HOSTS)
        if needed:
            path = record_trust(context.state_home, context.project_root, shown.settings.trust_digest, needed)
    except OSError as error:
        raise PolicyError(f"acceptance cannot be recorded in {context.state_home}: {error.strerror}", hint="`--trust-project` accepts for one run") from error
    return path


def revoke(request: Request) -> bool:
    """Take acceptance back. False when nothing had been accepted."""
    context = load_settings(request).context
    return forget_trust(context.state_home, context.project_root)
