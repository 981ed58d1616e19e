"""The questions of a step as one person has them in one try: each has its choices in an order of its own. Pure.

A choice is named by an id that holds for this person and this try only, so that neither its place nor its id says which one
is right, and nobody's answers help another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from andaman.kernel.ids import keyed_id
from andaman.training.course import Step
from andaman.training.problems import AnswerMissing

Sheet = Mapping[str, Mapping[str, int]]
"""Id of a question → id of a choice, in the order in which they are shown → its index in the question."""


def sheet(key: bytes, person: str, course: str, step: Step, tries: int) -> Sheet:
    """For the try after ``tries`` others. ``key``: secret, see ``keyed_id``."""
    return {
        one.id: dict(
            sorted(
                (keyed_id(key, "choice", person, course, step.id, str(tries), one.id, str(index)), index)
                for index in range(len(one.choices))
            )
        )
        for one in step.questions
    }


def questions_json(step: Step, order: Sheet) -> list[dict[str, Any]]:
    """For a screen, without the right answers."""
    return [
        {
            "id": one.id,
            "text": one.text.json(),
            "choices": [
                {"id": name, "text": one.choices[index].json()} for name, index in order[one.id].items()
            ],
        }
        for one in step.questions
    ]


def mark(step: Step, order: Sheet, answers: Mapping[str, Any]) -> tuple[float, bool]:
    """(share answered rightly 0–1, passed). Raises AnswerMissing for a question without one of the choices of this try."""
    right = 0
    for one in step.questions:
        given = answers.get(one.id)
        if not isinstance(given, str) or given not in order[one.id]:
            raise AnswerMissing(field=one.id)
        right += order[one.id][given] == one.right
    share = right / len(step.questions)
    return share, share >= step.pass_share


def review(step: Step, order: Sheet, answers: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of a try that passed: each question with the choice that is right, the one that was given, and why."""
    return [
        {
            "id": one.id,
            "right": next(name for name, index in order[one.id].items() if index == one.right),
            "given": answers[one.id],
            "why": one.why.json(),
        }
        for one in step.questions
    ]
