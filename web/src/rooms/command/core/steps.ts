/** Steps of incidents and assignments, as buttons say them. */
import { statusText } from '$entities/describe';
import { t, type Message } from '$lib/i18n.svelte';
import { recalledWord, stepWords } from './messages';

/** The state of an assignment: its unit was recalled, the incident goes on. */
export const assignmentText = (status: unknown): string => (status === 'cancelled' ? t(recalledWord.state) : statusText(status));
/** A step of an assignment, in the same sense. */
export const unitStepText = (name: string): string => stepText(name === 'cancelled' ? 'recalled' : name);
/** `reopens`: the step leads back from an incident that was over. */
export function stepText(name: string, reopens = false): string {
  const key = name === 'triaged' && reopens ? 'reopened' : name;
  const word: Message | undefined = (stepWords as Record<string, Message>)[key];
  return word ? t(word) : statusText(name);
}
