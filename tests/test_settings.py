"""Laws of the settings table."""

from pathlib import Path

import pytest

from andaman.broker.room import StoreSettings
from andaman.ingest.room import IngestSettings
from andaman.settings import TABLE, SettingsError, load_settings, settings_page

ROOT = Path(__file__).parents[1]


def test_the_settings_page_is_made_from_the_table():
    assert (ROOT / "docs/settings.md").read_text("utf-8") == settings_page()


def test_a_flag_beats_the_environment_which_beats_the_file(tmp_path):
    file = tmp_path / "andaman.toml"
    file.write_text("port = 1\ncache_mb = 2\nhost = '::1'\n")
    settings = load_settings({"port": 3}, {"ANDAMAN_PORT": "4", "ANDAMAN_CACHE_MB": "5"}, file)
    assert (settings.site.port, settings.of(StoreSettings).cache_mb, settings.site.host) == (3, 5, "::1")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("1", True), ("TRUE", True), ("yes", True), ("on", True), ("0", False), ("false", False), ("", False)],
)
def test_switches_are_read_from_the_environment(word, meant):
    assert load_settings({}, {"ANDAMAN_FEEDS": word}).of(IngestSettings).feeds is meant


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"ANDAMAN_PORT": "many"}, "port = 'many' from the environment"),
        ({"ANDAMAN_PORT": "70000"}, "outside 0 to 65535"),
        ({"ANDAMAN_NO_AUTH": "perhaps"}, "true or false"),
        ({"ANDAMAN_LOG_LEVEL": "loud"}, "choose one of"),
    ],
)
def test_a_bad_value_is_refused_with_its_name_and_place(environ, words):
    with pytest.raises(SettingsError, match=words.replace("(", r"\(")):
        load_settings({}, environ)


def test_an_unknown_name_in_a_file_is_refused(tmp_path):
    file = tmp_path / "andaman.toml"
    file.write_text("prot = 8026\n")
    with pytest.raises(SettingsError, match="'prot', which is not a setting"):
        load_settings({}, {}, file)


def test_a_name_belongs_to_one_room():
    names = [row.name for row in TABLE]
    assert len(names) == len(set(names))


def test_every_default_passes_its_own_check():
    settings = load_settings({}, {})
    assert settings.replace(**{row.name: row.default for row in TABLE}).site.port == 8026
