import { registers, type RegisterRow } from '$entities/registers.svelte';
import { attributes } from '$generated/vocabulary';
import type { Message } from '$lib/i18n.svelte';

/** A kind of incident, as the city's register has it. */
export interface IncidentType extends RegisterRow {
  category?: string;
  /** What a form suggests. */
  severity?: string;
  unitTypes?: string[];
  checklist?: Message[];
}
export const incidentTypes = (): readonly IncidentType[] => registers.rows<IncidentType>(attributes['incidentType']!.register!);
