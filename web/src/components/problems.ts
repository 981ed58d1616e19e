/**
 * A refusal in the reader's words: the words of its code with its parameters (generated/problems.ts), or those of its
 * kind with the field it names; then the steps that it allows. ErrorNote shows the platform's own sentence too.
 */
import { problems } from '../generated/problems';
import { locale, messages, t } from '$lib/i18n.svelte';
import type { Problem } from '$lib/problem';
import { problemWords } from './messages';
import { fieldText, isRecord, own, sentence, SHOWN, type Sentence } from './sentences';

const words = messages({
  allowed: { th: 'ขณะนี้ทำได้: {steps}', en: 'Possible now: {steps}' },
  noneAllowed: { th: 'ไม่มีขั้นตอนถัดไป', en: 'There are no further steps' },
  field: { th: '{text} (ช่อง: {field})', en: '{text} (field: {field})' },
});

/** What to say to the reader. `label`: what the form calls the field that is meant, where the sentence stands at that field. */
export function problemText(problem: Problem, label = ''): string {
  const said = own<Sentence>(problems, String(problem.extra['code']));
  const params = problem.extra['params'];
  if (said?.params && isRecord(params)) return withSteps(sentence(said, label && 'field' in params ? { ...params, field: label.replace(/ \(.*\)$/, '') } : params), problem);
  // Without parameters the platform's own sentence is the most exact, for those who read English.
  if (locale.lang === 'en' && problem.detail !== '' && problem.reason !== 'server') return problem.detail;
  const base = t(said ?? problemWords[problem.reason]);
  const name = !label && typeof problem.extra['field'] === 'string' ? fieldText(problem.extra['field']) : '';
  return withSteps(name ? t(words.field, { text: base, field: name }) : base, problem);
}

/** True where the platform's own English sentence says more: words with their parameters are complete, those of a kind are not. */
export function hasDetail(problem: Problem): boolean {
  if (isComplete(problem) || isForReader(problem)) return false;
  return problem.detail !== '' && problemText(problem) !== problem.detail;
}
/** Nobody has to ask an administrator what these mean. */
const isForReader = (problem: Problem): boolean => ['not-signed-in', 'forbidden', 'not-found', 'offline'].includes(problem.reason);
const isComplete = (problem: Problem): boolean => isRecord(problem.extra['params']) && own<Sentence>(problems, String(problem.extra['code']))?.params !== undefined;

function withSteps(text: string, problem: Problem): string {
  const allowed = problem.extra['allowed'];
  if (!Array.isArray(allowed)) return text;
  const steps = allowed.length === 0 ? t(words.noneAllowed) : t(words.allowed, { steps: SHOWN.states(allowed) });
  return `${text} · ${steps}`;
}
