"""Alert rules that a scenario brings into its exercise tenant, so that its script raises alerts by itself.

The form is that of the command room's rules (docs/rooms/command.md): (local id, name, definition).
"""

from __future__ import annotations

from typing import Any, Final

from andaman.kernel.words import LanguageMap

RULES: Final[dict[str, tuple[tuple[str, LanguageMap, dict[str, Any]], ...]]] = {
    "rain-crash-patong-hill": (
        (
            "rain",
            {"th": "การฝึก: ฝนสะสม 24 ชั่วโมงตั้งแต่ 90 มม.", "en": "Exercise: 24 h rain of 90 mm or more"},
            {
                "select": {"type": "WeatherObserved"},
                "when": {"attr": "precipitation24h", "op": ">=", "value": 90},
                "severity": "Severe",
                "category": "Met",
                "headline": {
                    "th": "ฝนตกหนักมาก ระวังดินถล่มและน้ำป่า",
                    "en": "Very heavy rain: landslide and flash flood risk",
                },
                "incidentType": "landslide",
            },
        ),
        (
            "crash",
            {"th": "การฝึก: แจ้งอุบัติเหตุมีผู้บาดเจ็บ", "en": "Exercise: crash with injured people reported"},
            {
                "select": {"type": "RoadAccident"},
                "when": {"attr": "injured", "op": ">=", "value": 1},
                "severity": "Severe",
                "category": "Transport",
                "headline": {"th": "อุบัติเหตุบนเขาป่าตอง มีผู้บาดเจ็บ", "en": "Crash on Patong Hill, people injured"},
                "incidentType": "roadAccident",
            },
        ),
    ),
}
