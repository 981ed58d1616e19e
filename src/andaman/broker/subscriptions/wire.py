"""What goes around a notification on the wire: HTTP headers (CIM 009 §6.3.8), or MQTT's metadata (§7.2)."""

from __future__ import annotations

from andaman.broker.outgoing import Header, header_value
from andaman.broker.subscriptions.model import Subscription
from andaman.broker.subscriptions.mqtt import mqtt_payload
from andaman.broker.subscriptions.notice import GEO_JSON, LD_JSON, link_header, prefers_plain


class Wire:
    """The constant part of a subscription's messages."""

    __slots__ = ("_metadata", "headers")

    def __init__(self, sub: Subscription) -> None:
        endpoint, media = sub.endpoint, sub.form.media
        lines = {"Content-Type": media}
        if media != LD_JSON and (media != GEO_JSON or prefers_plain(sub)):
            lines["Link"] = link_header(sub.context.link)
        if sub.tenant:
            lines["NGSILD-Tenant"] = sub.tenant
        if "snapshot" in sub.extra:  # §6.3.22
            lines["NGSILD-Snapshot"] = sub.extra["snapshot"]
        known = {name.lower() for name in lines}
        for key, text in endpoint.receiver_info:
            if key.lower() not in known:
                lines[key] = text
        self._metadata = lines if endpoint.is_mqtt else None
        self.headers: tuple[Header, ...] = ()
        if not endpoint.is_mqtt:
            self.headers = tuple(
                (
                    name.encode("ascii"),
                    text.encode("latin-1") if name.lower() in known else header_value(text, "latin-1"),
                )
                for name, text in lines.items()
            )

    def body(self, notification: bytes) -> bytes:
        """The message's content."""
        return notification if self._metadata is None else mqtt_payload(self._metadata, notification)
