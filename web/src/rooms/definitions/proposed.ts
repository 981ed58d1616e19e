/** The content of a proposal that is a version of a definition (src/andaman/definitions/service.py). */
import type { ProposalAnswer } from '$generated/api';
import { record, type Document } from './form';

export interface Proposed {
  kind: string;
  key: string;
  document: Document | null;
  before: Document | null;
}

/** Null for a proposal of another kind. */
export function proposed(proposal: ProposalAnswer): Proposed | null {
  const content = record(proposal.content);
  if (typeof content['kind'] !== 'string' || typeof content['key'] !== 'string' || !('document' in content)) return null;
  const side = (value: unknown): Document | null => (value === null || value === undefined ? null : record(value));
  return { kind: content['kind'], key: content['key'], document: side(content['document']), before: side(content['before']) };
}
