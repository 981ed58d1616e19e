#!/bin/sh
# The laws with large numbers: kills, fuzzing, hostile clients, thousands of questions. Takes hours; run by hand, and write
# the count and date into docs/laws.md. CI runs the same tests with small numbers. Each number may be given beforehand:
# ANDAMAN_KILLS=5000 make laws
set -eu
pytest=$1
export ANDAMAN_KILLS="${ANDAMAN_KILLS:-2400}"
export ANDAMAN_KILL_SEEDS="${ANDAMAN_KILL_SEEDS:-60}"
export ANDAMAN_FUZZ="${ANDAMAN_FUZZ:-20000}"
export ANDAMAN_FUZZ_API="${ANDAMAN_FUZZ_API:-2000}"
export ANDAMAN_RIGHTS="${ANDAMAN_RIGHTS:-500}"
export ANDAMAN_HOSTILE_ENTITIES="${ANDAMAN_HOSTILE_ENTITIES:-200}"
"$pytest" --timeout=14400 \
  tests/broker tests/command/signals/test_watch_kill.py tests/doors/ngsild tests/identity/test_rights_law.py tests/test_rights_law.py tests/test_hostile_entities.py
