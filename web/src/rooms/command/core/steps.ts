/** Steps of incidents and assignments, as buttons say them. */
import { statusText } from '$entities/describe';
import { t, type Message } from '$lib/i18n.svelte';
import { stepWords } from './messages';

/** A step of an assignment: its unit is recalled, the incident goes on. */
export const unitStepText = (name: string): string => stepText(name === 'cancelled' ? 'recalled' : name);
/** `reopens`: the step leads back from an incident that was over. */
export function stepText(name: string, reopens = false): string {
  const key = name === 'triaged' && reopens ? 'reopened' : name;
  const word: Message | undefined = (stepWords as Record<string, Message>)[key];
  return word ? t(word) : statusText(name);
}
