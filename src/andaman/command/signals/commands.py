"""The commands of people on alerts and their rules."""

from __future__ import annotations

from typing import Any

from andaman.command.core.reading import Flag, Form, Text, Titles


class Acknowledge(Form, frozen=True, kw_only=True):
    alert: str
    note: Text = ""


class CloseAlert(Form, frozen=True, kw_only=True):
    alert: str
    reason: Text = ""


class PutRule(Form, frozen=True, kw_only=True):
    """Create or replace a rule; ``definition`` is read by ``definition.py``."""

    rule: str
    name: Titles
    enabled: Flag = True
    definition: Any


class DeleteRule(Form, frozen=True, kw_only=True):
    rule: str


AlertCommand = Acknowledge | CloseAlert
RuleCommand = PutRule | DeleteRule
