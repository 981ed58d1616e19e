/** The doors of definitions and approvals, and the kinds that the page has read. */
import { areaWords } from '$entities/messages';
import { CONTEXT } from '$entities/references.svelte';
import { api } from '$lib/api';
import { nameText, t } from '$lib/i18n.svelte';
import type { ImportAnswer, KindPage, ProposalAnswer, ReviewAsked, RulePreview, VersionAnswer } from '$generated/api';
import { titleOf, type Choices, type Document } from './form';

const part = encodeURIComponent;
export const kindPath = (kind: string): string => `/api/definitions/${part(kind)}`;
export const versionsPath = (kind: string, key: string): string => `${kindPath(kind)}/${part(key)}/versions`;
const step = <T>(kind: string, key: string, number: number, what: string, body: unknown = {}) => api.post<T>(`${versionsPath(kind, key)}/${number}/${what}`, body);

/** A change as a person saves it. `document` null: the definition is to end. `base`: digest of what the form began with; '' for a new one. */
export interface Draft {
  document: Document | null;
  reason: string;
  base: string;
  confirmed?: boolean;
}
export interface Import {
  remove: boolean;
  /** Of the preview. Without it: only the list of changes. */
  token?: string;
  reason?: string;
  file?: string;
}

export const server = {
  draft: (kind: string, key: string, change: Draft) => api.post<VersionAnswer>(versionsPath(kind, key), change),
  propose: (kind: string, key: string, number: number) => step<ReviewAsked>(kind, key, number, 'propose'),
  enforce: (kind: string, key: string, number: number) => step<VersionAnswer>(kind, key, number, 'enforce'),
  withdraw: (kind: string, key: string, number: number, reason: string) => step<VersionAnswer>(kind, key, number, 'withdraw', { reason }),
  /** What a rule would do now, and what becomes of its open alerts. */
  preview: (key: string, document: Document) => api.post<RulePreview>(`/api/command/rules/${part(`urn:ngsi-ld:AlertRule:${key}`)}/preview`, document),
  /** `digest`: of the content that the person has read. */
  approve: (id: string, digest: string) => api.post<ProposalAnswer>(`/api/approvals/${part(id)}/approve`, { digest }),
  reject: (id: string, reason: string) => api.post<ProposalAnswer>(`/api/approvals/${part(id)}/reject`, { reason }),
  takeBack: (id: string) => api.post<ProposalAnswer>(`/api/approvals/${part(id)}/withdraw`),
  bringIn: (content: unknown, { remove, token, reason, file }: Import) =>
    api.post<ImportAnswer>('/api/config', content, { query: { try: token ? undefined : 'true', delete: remove ? 'true' : undefined, token, reason, file } }),
};

interface Named {
  readonly id: string;
  readonly name?: { readonly languageMap?: unknown };
  readonly level?: string;
}
/** An area says whether it is a sub-district or a district. */
function choiceOf({ id, name, level }: Named): ReturnType<Choices>[number] {
  const text = nameText(name?.languageMap) || id;
  return { value: id, label: level === 'tambon' || level === 'amphoe' ? t(areaWords[level], { name: text }) : text };
}

/** Kinds with their definitions, each asked for once, to say codes and keys by their names. */
export class KnownKinds {
  #found: Readonly<Record<string, KindPage>> = $state.raw({});
  #named: Readonly<Record<string, readonly Named[]>> = $state.raw({});
  #asked = new Set<string>();
  #askedTypes = new Set<string>();

  need(kind: string): void {
    if (this.#asked.has(kind)) return;
    this.#asked.add(kind);
    api
      .get<KindPage>(kindPath(kind))
      .then((page) => (this.#found = { ...this.#found, [kind]: page }))
      .catch(() => {}); // without it, its codes are shown
  }
  #needEntities(type: string): void {
    if (this.#askedTypes.has(type)) return;
    this.#askedTypes.add(type);
    api
      .get<Named[]>('/ngsi-ld/v1/entities', { query: { type, attrs: 'name,level', options: 'keyValues', limit: 1000 }, headers: CONTEXT })
      .then((found) => (this.#named = { ...this.#named, [type]: found }))
      .catch(() => {}); // without them, their ids are shown
  }
  /** Also the kinds and the entities that its fields name. */
  needAll(page: KindPage): void {
    const each = page.fields.flatMap((field) => [field, ...field.fields]);
    for (const field of each) {
      if (field.register) this.need(field.register);
      if (field.entityType) this.#needEntities(field.entityType);
    }
  }
  of(kind: string): KindPage | null {
    return this.#found[kind] ?? null;
  }
  /** Ask again: something was written. */
  forget(): void {
    const before = [...this.#asked];
    this.#asked.clear();
    for (const kind of before) this.need(kind);
  }
  /** The name of a definition in force. */
  title(kind: string, key: string): string {
    return this.titleOf(kind, key, this.of(kind)?.definitions.find((one) => one.key === key)?.document ?? null);
  }
  /** The name of a document of this kind, which need not be in force. */
  titleOf(kind: string, key: string, document: Document | null): string {
    return titleOf(this.of(kind)?.fields ?? [], key, document);
  }
  choices: Choices = (kind) => {
    const named = this.#named[kind];
    if (named) return named.map(choiceOf).sort((one, other) => one.label.localeCompare(other.label, 'th'));
    const page = this.of(kind);
    return page ? page.definitions.filter((one) => one.document !== null).map((one) => ({ value: one.key, label: titleOf(page.fields, one.key, one.document) })) : [];
  };
}
