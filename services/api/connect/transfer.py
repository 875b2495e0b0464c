"""Taking every allocation to edc-core: each arrives once, and what does not is told.

An event is worked through when edc-core has answered and that is kept. What it
rejects (a subject who is not enrolled there yet, most often) is kept and sent
again later, while the others go on: one site's delay holds up nobody. A
conflict stops everything: two systems that name different arms for a subject
are the first sign of a wrong study or wrong names of arms, and going on would
write more of them.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from services.api.connect.edc_core import Answer, Assignment, Intake, Outcome
from services.api.connect.memory import Held, MemoryFile
from services.api.connect.patience import Ended, Patience, Stopped
from services.api.connect.trial import Allocation, Page, Refused, Trial

SOON, LATE = 60.0, 3600.0
"""Seconds until a rejected assignment is sent again, at first and at most."""

AGAIN = "the feed is followed from its beginning, and what edc-core has is a duplicate"
LOST = "the trial does not show the subject to this client any more"
TAKEN = frozenset({Outcome.APPLIED, Outcome.DUPLICATE})
Tell = Callable[[str], None]


class Conflict(Stopped):
    """edc-core holds another arm, or a record that it does not open; a person decides."""


def assignment_of(allocation: Allocation, arms: Mapping[str, str], source: str) -> Assignment:
    """An allocation as edc-core takes it: arms under its names, strata as text."""
    return Assignment(
        subject_key=allocation.number,
        arm=arms[allocation.arm],
        randomization_id=allocation.randomization_number,
        assigned_at=allocation.randomized_at,
        strata={name: _text(value) for name, value in allocation.stratum.items()},
        source=source,
    )


def _text(value: bool | str) -> str:
    return str(value).lower() if isinstance(value, bool) else value


class Transfer:
    """One adapter at work. `dry` sends nothing, keeps nothing and tells what it would send."""

    def __init__(
        self,
        trial: Trial,
        intake: Intake,
        file: MemoryFile,
        arms: Mapping[str, str],
        source: str,
        patience: Patience,
        tell: Tell,
        *,
        dry: bool = False,
    ) -> None:
        self._trial = trial
        self._intake = intake
        self._file = file
        self._arms = arms
        self._source = source
        self._patience = patience
        self._tell = tell
        self._dry = dry
        self._due: dict[UUID, tuple[float, float]] = {}

    def run(self, seconds: float | None) -> None:
        """Send what there is, and what follows, asking at that pace; once if there is none.

        Ends when it is asked to, between two requests.

        Raises:
            Stopped: a person is needed.
        """
        try:
            self.check()
            self.once()
            while seconds is not None:
                self._patience.wait(seconds)
                self.once()
        except Ended:
            self._tell("Ended; what was answered is kept.")

    def check(self) -> None:
        """See that every arm of the trial has its own name in edc-core.

        Raises:
            Stopped: it has not.
        """
        arms = self._patience.insist(self._trial.arms)
        if arms != self._arms.keys() or len(set(self._arms.values())) < len(arms):
            raise Stopped(
                f"TRIAL_EDC_CORE_ARMS: give each arm of the trial ({', '.join(sorted(arms))})"
                " a name of its own, and no others"
            )

    def once(self) -> None:
        """Send what waits and is due, then everything new.

        Raises:
            Conflict: a subject's arm is another one there.
            Stopped: something else that only a person can mend.
            Ended: asked to end; what was answered is kept.
        """
        after = self._place()
        for subject_id, held in list(self._file.memory.held.items()):
            if not held.set_aside and self._is_due(subject_id):
                self._send_held(subject_id, held, after)
        self._follow(after)

    def _place(self) -> UUID | None:
        """After which event to go on: none if the client was given a site since.

        What happened at that site before lies in the feed before the place that was
        kept. What is sent a second time on the way is a duplicate.
        """
        memory = self._file.memory
        sites = self._patience.insist(self._trial.sites)
        added = sites - memory.sites
        if added and memory.after is not None:
            self._tell(f"New among the client's sites: {', '.join(sorted(added))}; {AGAIN}")
        after = None if added else memory.after
        if sites != memory.sites and not self._dry:
            memory.sites, memory.after = sites, after
            self._file.keep()
        return after

    def _follow(self, after: UUID | None) -> None:
        """Send what the feed tells after an event, to its end."""
        while True:
            page = self._page(after)
            for event in page.items:
                self._send_new(event.subject_id, event.id)
                after = event.id
            if page.next_cursor is None:
                return

    def _page(self, after: UUID | None) -> Page:
        """What the feed tells after an event, or from its beginning if it has no such event.

        It has none when that was of a site which the client has lost, or was made
        after the backup from which the trial was restored.
        """
        try:
            return self._patience.insist(partial(self._trial.randomized, after))
        except Refused as refusal:
            if after is None or refusal.code != "bad_cursor":
                raise
        self._tell(f"The event that was worked through last is not in the feed any more; {AGAIN}")
        self._keep_place(None)
        return self._page(None)

    def _send_new(self, subject_id: UUID, after: UUID) -> None:
        """Send what an event tells of, unless it came before and a person set it aside."""
        held = self._file.memory.held.get(subject_id)
        if held is not None and held.set_aside:
            self._keep_place(after)
        else:
            self._send(subject_id, after)

    def _keep_place(self, after: UUID | None) -> None:
        if not self._dry:
            self._file.memory.after = after
            self._file.keep()

    def _send_held(self, subject_id: UUID, held: Held, after: UUID | None) -> None:
        """Send again what edc-core did not take, unless the client has lost the subject's site."""
        try:
            self._send(subject_id, after)
        except Refused as refusal:
            if refusal.code != "not_found":
                raise
            self._postpone(subject_id)
            if held.reason == LOST:
                return  # told already
            self._tell(
                f"{held.number} ({held.randomization_number}): {LOST}; kept, and asked for again."
                " Give the client the subject's site, or leave it to people for good:"
                f" trial connect edc-core --set-aside {held.randomization_number}"
            )
            if not self._dry:
                held.reason = LOST
                self._file.keep()

    def _send(self, subject_id: UUID, after: UUID | None) -> None:
        """Send one subject's assignment, and keep what became of it together with the place."""
        allocation = self._patience.insist(lambda: self._trial.allocation(subject_id))
        assignment = assignment_of(allocation, self._arms, self._source)
        if self._dry:
            when = assignment.model_dump(mode="json")["assigned_at"]
            self._tell(f"{_name(assignment)}, assigned at {when}: would be sent")
            return
        answer = self._patience.insist(lambda: self._intake.assign(assignment))
        memory = self._file.memory
        before = memory.held.pop(subject_id, None)
        if answer.outcome not in TAKEN:
            memory.held[subject_id] = Held(
                number=assignment.subject_key,
                randomization_number=assignment.randomization_id,
                outcome=answer.outcome,
                reason=answer.reason,
                since=before.since if before else datetime.now(UTC),
            )
        memory.after = after
        self._file.keep()
        self._told(subject_id, assignment, answer, before)

    def _told(
        self, subject_id: UUID, assignment: Assignment, answer: Answer, before: Held | None
    ) -> None:
        text = f"{_name(assignment)}: {answer.outcome.value}"
        if answer.event_id is not None:
            text += f", edc-core's event {answer.event_id}"
        if answer.outcome is Outcome.CONFLICT:
            raise Conflict(
                f"{text}: {answer.reason}. Nothing more is sent. Compare the subject in both"
                " systems; once edc-core holds the trial's arm, start again. Or leave it to people"
                f" for good: trial connect edc-core --set-aside {assignment.randomization_id}"
            )
        if answer.outcome is Outcome.REJECTED:
            self._postpone(subject_id)
            text += f": {answer.reason}; kept, and sent again"
            if before is not None and before.reason == answer.reason:
                return  # told already
        self._tell(text)

    def _is_due(self, subject_id: UUID) -> bool:
        return time.monotonic() >= self._due.get(subject_id, (0.0, 0.0))[0]

    def _postpone(self, subject_id: UUID) -> None:
        pause = min(self._due.get(subject_id, (0.0, SOON / 2))[1] * 2, LATE)
        self._due[subject_id] = (time.monotonic() + pause, pause)


def _name(assignment: Assignment) -> str:
    return f"{assignment.subject_key} ({assignment.randomization_id})"


def set_aside(file: MemoryFile, randomization_number: str, *, aside: bool) -> None:
    """Send a held assignment no more, or again.

    Raises:
        Stopped: none with that number is held.
    """
    for held in file.memory.held.values():
        if held.randomization_number == randomization_number:
            held.set_aside = aside
            file.keep()
            return
    raise Stopped(f"{randomization_number}: edc-core has taken it, or it was not sent yet")
