"""Care of a complete data directory: backup, restore to any instant, and the doctor. See README.md."""

from andaman.maintenance.examine import examine
from andaman.maintenance.files import give_way
from andaman.maintenance.sets import backup_into, check_set, restore_from
from andaman.maintenance.single import backup_all, restore_all

__all__ = ["backup_all", "backup_into", "check_set", "examine", "give_way", "restore_all", "restore_from"]
