"""Mobile coverage and capacity after 3GPP TR 38.901, candidate sites, and the cases of the 6 GHz band."""
