"""The diagnosis of ``paddock doctor``: every step tried, the first that fails explained with the fix for this distribution."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from paddock.errors import PaddockError, UnsupportedError
from paddock.events.place import open_folder
from paddock.host.doctor_facts import Surroundings, look_around
from paddock.host.doctor_fixes import Fix, explain
from paddock.model.policy import Limits
from paddock.model.record import record
from paddock.planner.enforce import cgroups_for
from paddock.planner.ways import ways
from paddock.session.launch_trial import launch_nothing
from paddock.session.logbook import state_home
from paddock.session.trial import Result, Trial, chains, try_chain

__all__ = ["DOCTOR_SCHEMA", "Diagnosis", "Finding", "diagnose", "to_document"]

DOCTOR_SCHEMA = 1
_EVERY = Limits(memory_mb=1, disk_mb=1, processes=1, cpu_seconds=1, timeout_seconds=1, open_files=1)


@record
class Finding:
    """A tried step; ``fix`` is None unless it failed."""

    result: Result
    fix: Fix | None = None


@record
class Diagnosis:
    """What was found. ``findings`` in the order of trying."""

    around: Surroundings
    findings: tuple[Finding, ...]

    @property
    def first_failure(self) -> Finding | None:
        """The first step that is needed and failed: mending it comes first, later ones may fail because of it."""
        return next((f for f in self.findings if f.result.state == "failed" and f.result.trial.needed), None)

    @property
    def limits(self) -> dict[str, str]:
        """What would keep each limit of ``paddock.limits`` for this user here."""
        facts = self.around.facts
        found = {way.key: way.by for way in ways(_EVERY, cgroups_for(_EVERY, facts))}
        if facts.uid == 0 and found["processes"] == "rlimit":
            found["processes"] = "nothing: user 0 needs a pids cgroup"
        return found

    @property
    def fit(self) -> bool:
        """Whether this host can carry the fence."""
        return self.first_failure is None


def diagnose(environ: Mapping[str, str], launch: Callable[[], None] = launch_nothing) -> Diagnosis:
    """Try everything. ``launch`` builds a whole fence around nothing and raises ``PaddockError`` when that fails; it is tried when every step alone went well.

    Must be called from a process with a single thread. Nothing that was tried outlives the call.
    """
    around = look_around()
    results = [result for chain in chains() for result in try_chain(chain)]
    findings = [Finding(r, explain(r.trial.name, r.errno, around) if r.state == "failed" else None) for r in results]
    findings.append(_whole(launch, ready=all(r.state == "ok" for r in results if r.trial.needed)))
    findings.append(_log_place(environ))
    return Diagnosis(around, tuple(findings))


def _whole(launch: Callable[[], None], *, ready: bool) -> Finding:
    trial = Trial("fence", "build a whole fence and run a command in it", launch)
    if not ready:
        return Finding(Result(trial, "not tried"))
    try:
        launch()
    except (PaddockError, OSError) as error:
        cause = "every step works alone, and the whole does not"
        advice = (error.hint if isinstance(error, PaddockError) else "") or "please report this with `paddock doctor --json`"
        return Finding(Result(trial, "failed", getattr(error, "errno", 0) or 0, str(error)), Fix(cause, advice))
    return Finding(Result(trial, "ok"))


def _log_place(environ: Mapping[str, str]) -> Finding:
    """Without its folder a run works and leaves no record."""
    trial = Trial("event-log", "keep the event log in a folder of its own", lambda: None, needed=False)
    try:
        os.close(open_folder(state_home(environ), create=False))
    except FileNotFoundError:
        return Finding(Result(trial, "ok"))  # the first run makes it
    except UnsupportedError as error:
        return Finding(Result(trial, "failed", 0, str(error)), Fix(error.cause, error.hint))
    except OSError as error:
        return Finding(
            Result(trial, "failed", error.errno or 0, str(error)),
            Fix("the state folder cannot be made or opened", "set XDG_STATE_HOME to a folder of your own"),
        )
    return Finding(Result(trial, "ok"))


def to_document(diagnosis: Diagnosis) -> dict[str, object]:
    """The diagnosis for programs, schema ``DOCTOR_SCHEMA``."""
    around = diagnosis.around
    first = diagnosis.first_failure
    return {
        "schema": DOCTOR_SCHEMA,
        "fit": diagnosis.fit,
        "first_failure": first.result.trial.name if first else None,
        "steps": [_step(f) for f in diagnosis.findings],
        "limits": diagnosis.limits,
        "host": {
            "distribution": {"id": around.distribution.id, "version": around.distribution.version, "family": around.distribution.family},
            "kernel": ".".join(map(str, around.facts.kernel)),
            "machine": around.facts.machine,
            "uid": around.facts.uid,
            "container": around.container,
            "seccomp_filtered": around.seccomp,
            "masked_proc": around.masked_proc,
            "chroot": around.chroot,
            "apparmor_profile": around.apparmor,
            "landlock_abi": around.facts.landlock_abi,
            "user.max_user_namespaces": around.facts.max_user_namespaces,
            "user.max_net_namespaces": around.max_net_namespaces,
            "kernel.unprivileged_userns_clone": around.facts.unprivileged_userns_clone,
            "kernel.apparmor_restrict_unprivileged_userns": around.facts.apparmor_restricts_userns,
        },
    }


def _step(finding: Finding) -> dict[str, object]:
    result, fix = finding.result, finding.fix
    out: dict[str, object] = {"name": result.trial.name, "what": result.trial.what, "needed": result.trial.needed, "state": result.state}
    if fix is not None:
        out |= {"errno": result.errno, "words": result.words, "cause": fix.cause, "advice": fix.advice, "commands": list(fix.commands)}
    return out
