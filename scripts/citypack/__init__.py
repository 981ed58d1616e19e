"""Makers of the Phuket city pack, one part a module; run by ../build_pack.py."""
