/** Kinds of incident, as the city's register has them. */
import { registers } from '$entities/registers.svelte';
import type { IncidentType } from '$generated/api';
import { attributes } from '$generated/vocabulary';

export const incidentTypes = (): readonly IncidentType[] => registers.rows<IncidentType>(attributes['incidentType']!.register!);
