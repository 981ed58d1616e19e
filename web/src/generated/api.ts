/**
 * Made by `make generated` from answers (kernel/answers.py), bodies of commands (command/core/reading.py) and the problem
 * document (kernel/errors.py) in src/andaman. Do not edit. The path gives the id that a command names; its body leaves it out.
 */
import type { Message } from '$lib/i18n.svelte';

export interface Acknowledge {
  readonly alert: string;
  readonly note?: string;
}

export interface AddNote {
  readonly incident: string;
  readonly text: string;
}

export interface Addresses {
  readonly th?: string;
  readonly en?: string;
}

export interface AgencyAnswer {
  readonly code: string;
  readonly name: Message;
}

export interface AssignUnit {
  readonly incident: string;
  readonly unit: string;
}

export interface BothLanguages {
  readonly th: string;
  readonly en: string;
}

export interface ChangeAnswer {
  readonly kind: string;
  readonly key: string;
  readonly step: 'create' | 'delete' | 'draft' | 'replace';
}

export interface CheckItem {
  readonly incident: string;
  readonly item: BothLanguages;
}

export interface Choice {
  readonly value: string;
  readonly words: Message;
}

export interface CloseAlert {
  readonly alert: string;
  readonly reason?: string;
}

export interface DefinitionListed {
  readonly key: string;
  readonly document: Readonly<Record<string, unknown>> | null;
  readonly drafts: number;
  readonly errors: readonly (Readonly<Record<string, unknown>>)[];
}

export interface DeleteRule {
  readonly rule: string;
}

export interface FormField {
  readonly name: string;
  readonly words: Message;
  readonly kind: 'choice' | 'code' | 'flag' | 'integer' | 'json' | 'number' | 'part' | 'text' | 'words';
  readonly required: boolean;
  readonly many: boolean;
  readonly choices: readonly Choice[];
  readonly register: string;
  readonly fields: readonly FormField[];
}

export interface ImportAnswer {
  readonly changes: readonly ChangeAnswer[];
}

export interface KindHead {
  readonly name: string;
  readonly words: Message;
  readonly reviewed: boolean;
  readonly mayChange: boolean;
  readonly mayReview: boolean;
}

export interface KindListed {
  readonly name: string;
  readonly words: Message;
  readonly reviewed: boolean;
  readonly mayChange: boolean;
  readonly mayReview: boolean;
  readonly count: number;
  readonly drafts: number;
}

export interface KindPage {
  readonly name: string;
  readonly words: Message;
  readonly reviewed: boolean;
  readonly mayChange: boolean;
  readonly mayReview: boolean;
  readonly fields: readonly FormField[];
  readonly schema: Readonly<Record<string, unknown>>;
  readonly kept: readonly string[];
  readonly definitions: readonly DefinitionListed[];
}

export interface OpenIncident {
  readonly incidentType: string;
  readonly severity: 'Unknown' | 'Minor' | 'Moderate' | 'Severe' | 'Extreme';
  readonly name?: Titles | string | null;
  readonly description?: string;
  readonly location: { readonly type: 'Point'; readonly coordinates: readonly number[] };
  readonly address?: Addresses | string;
  readonly refAlert?: string;
  readonly reporterName?: string;
  readonly reporterPhone?: string;
  readonly agency?: string;
}

export interface PersonNamed {
  readonly id: string;
  readonly name: string;
}

export interface ProblemDocument {
  readonly code: string;
  readonly detail: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly title: string;
  readonly type: string;
}

export interface ProposalAnswer {
  readonly id: string;
  readonly action: string;
  readonly words: Message | null;
  readonly subject: string;
  readonly content: unknown;
  readonly digest: string;
  readonly reason: string;
  readonly state: 'open' | 'approved' | 'done' | 'failed' | 'rejected' | 'withdrawn' | 'expired';
  readonly author: PersonNamed;
  readonly at: string;
  readonly endsAt: string;
  readonly decidedBy: PersonNamed | null;
  readonly decidedAt: string | null;
  readonly note: string;
  readonly mayApprove: boolean;
  readonly mine: boolean;
}

export interface PutRule {
  readonly rule: string;
  readonly name: Titles;
  readonly enabled?: boolean;
  readonly definition: unknown;
}

export interface RegisterListed {
  readonly name: string;
  readonly words: Message;
  readonly rows: number;
}

export interface RegisterPage {
  readonly name: string;
  readonly words: Message;
  readonly type: string;
  readonly fields: readonly FormField[];
  readonly rows: readonly RowAnswer[];
}

export interface ReviewAsked {
  readonly proposal: string;
  readonly digest: string;
}

export interface RowAnswer {
  readonly code: string;
  readonly row: Readonly<Record<string, unknown>>;
  readonly errors: readonly (Readonly<Record<string, unknown>>)[];
}

export interface SetUnitStatus {
  readonly unit: string;
  readonly status: 'available' | 'outOfService';
  readonly note?: string;
}

export interface TakeAssignmentStep {
  readonly assignment: string;
  readonly step: 'assigned' | 'enRoute' | 'onScene' | 'clear' | 'cancelled';
  readonly note?: string;
}

export interface TakeIncidentStep {
  readonly incident: string;
  readonly step: 'new' | 'triaged' | 'dispatched' | 'onScene' | 'controlled' | 'closed' | 'cancelled';
  readonly note?: string;
  readonly outcome?: string;
}

export interface Titles {
  readonly th?: string;
  readonly en?: string;
}

export interface VersionAnswer {
  readonly number: number;
  readonly state: 'draft' | 'reviewed' | 'inForce' | 'replaced' | 'withdrawn';
  readonly document: Readonly<Record<string, unknown>> | null;
  readonly digest: string;
  readonly author: PersonNamed | null;
  readonly at: string;
  readonly reason: string;
  readonly proposal: string;
  readonly reviewer: PersonNamed | null;
  readonly reviewedAt: string | null;
  readonly inForceAt: string | null;
  readonly replacedAt: string | null;
}
