"""What people do with alerts."""

from __future__ import annotations

from andaman.command.core.reading import Form, Text


class Acknowledge(Form, frozen=True, kw_only=True):
    alert: str
    note: Text = ""


class CloseAlert(Form, frozen=True, kw_only=True):
    alert: str
    reason: Text = ""


AlertCommand = Acknowledge | CloseAlert
