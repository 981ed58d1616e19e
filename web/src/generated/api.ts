/**
 * Made by `make generated` from answers (kernel/answers.py), bodies of commands (command/core/reading.py), rows of definitions
 * (form.py) and the problem document (kernel/errors.py) in src/andaman. Do not edit. The path gives the id that a command names;
 * its body leaves it out.
 */
import type { Message } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';

export interface AcceptanceShown {
  readonly id: string;
  readonly deliverable: string;
  readonly share: number;
  readonly acceptedOn: string;
  readonly document: string;
  readonly acceptedBy: string;
  readonly enteredBy: string;
  readonly approvedBy: string;
}

export interface AcceptanceWaiting {
  readonly proposal: string;
  readonly digest: string;
  readonly deliverable: string;
  readonly share: number;
  readonly acceptedOn: string;
  readonly document: string;
  readonly acceptedBy: string;
  readonly enteredBy: PersonNamed;
  readonly at: string;
  readonly mayApprove: boolean;
  readonly mine: boolean;
}

export interface Acceptances {
  readonly counted: readonly AcceptanceShown[];
  readonly waiting: readonly AcceptanceWaiting[];
  readonly withdrawn: readonly WithdrawnShown[];
  readonly withdrawals: readonly WithdrawalWaiting[];
}

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

export interface AgencyRow {
  readonly code: string;
  readonly name: Message;
  readonly category?: string;
  readonly emergencyNumber?: string;
  readonly telephone?: string;
  readonly localCode?: string;
  readonly areaServed?: readonly string[];
  readonly origin?: string;
  readonly source?: string;
}

export interface AssignUnit {
  readonly incident: string;
  readonly unit: string;
}

export interface BothLanguages {
  readonly th: string;
  readonly en: string;
}

export interface CandidateAnswer {
  readonly unit: LiveEntity;
  readonly etaSeconds: number | null;
  readonly arrivalSeconds: number | null;
  readonly distanceM: number | null;
  readonly route: GeoJSON.Geometry | null;
  readonly reason: Readonly<Record<string, unknown>>;
}

export interface ChangeAnswer {
  readonly kind: string;
  readonly key: string;
  readonly step: 'create' | 'delete' | 'draft' | 'replace';
}

export interface Check {
  readonly id: string;
  readonly title: Message;
  readonly types: readonly string[];
  readonly target: number;
  readonly query?: string;
  readonly withQuery?: string;
  readonly measure?: string;
}

export interface CheckItem {
  readonly incident: string;
  readonly item: BothLanguages;
  readonly done?: boolean;
}

export interface Choice {
  readonly value: string;
  readonly words: Message;
}

export interface CloseAlert {
  readonly alert: string;
  readonly reason?: string;
}

export interface CompetencyRow {
  readonly code: string;
  readonly name: Message;
  readonly area: string;
  readonly validDays: number;
  readonly reference?: string;
}

export interface ControlRow {
  readonly code: string;
  readonly review?: boolean;
  readonly reason?: boolean;
}

export interface CorrectIncident {
  readonly incident: string;
  readonly reason: string;
  readonly incidentType?: string | null;
  readonly severity?: 'Unknown' | 'Minor' | 'Moderate' | 'Severe' | 'Extreme' | null;
  readonly name?: Titles | string | null;
  readonly address?: string;
  readonly location?: { readonly type: 'Point'; readonly coordinates: readonly number[] } | null;
  readonly locationUnknown?: boolean;
  readonly base?: CorrectionBase | null;
}

export interface CorrectionBase {
  readonly incidentType?: string;
  readonly severity?: 'Unknown' | 'Minor' | 'Moderate' | 'Severe' | 'Extreme';
  readonly name?: Titles | null;
  readonly address?: string;
  readonly location?: { readonly type: 'Point'; readonly coordinates: readonly number[] } | null;
}

export interface CourseRow {
  readonly code: string;
  readonly name: Message;
  readonly summary: Message;
  readonly staffRoles: readonly string[];
  readonly validDays: number;
  readonly steps: readonly StepPart[];
  readonly issuer?: string;
}

export interface DefinitionListed {
  readonly key: string;
  readonly title: Message;
  readonly document: Readonly<Record<string, unknown>> | null;
  readonly digest: string;
  readonly changedAt: string | null;
  readonly changedBy: string;
  readonly drafts: number;
  readonly errors: readonly (Readonly<Record<string, unknown>>)[];
}

export interface DeleteRule {
  readonly rule: string;
}

export interface DeletedListed {
  readonly key: string;
  readonly title: Message;
  readonly document: Readonly<Record<string, unknown>>;
  readonly number: number;
  readonly at: string | null;
  readonly by: PersonNamed | null;
  readonly reason: string;
}

export interface DeliverableRow {
  readonly code: string;
  readonly name: Message;
  readonly part: Message;
  readonly objective: string;
  readonly due: string;
  readonly screen: string;
  readonly checks: readonly Check[];
}

export interface EvidenceAnswer {
  readonly kind: string;
  readonly key: string;
  readonly title: Message;
  readonly value: number | string | Message | null;
  readonly unit: Message | null;
  readonly attribute: string;
  readonly period: Message | null;
  readonly population: Message | null;
  readonly check: Message | null;
  readonly formula: Message | null;
  readonly constants: readonly FigureValue[];
  readonly details: readonly FigureValue[];
  readonly parts: readonly FigurePart[];
  readonly note: Message | null;
  readonly leftOut: number;
  readonly at: string | null;
  readonly total: number;
  readonly offset: number;
  readonly limit: number;
  readonly entities: readonly EvidenceEntity[];
}

export interface EvidenceDataset {
  readonly code: string;
  readonly title: Readonly<Record<string, string>>;
}

export interface EvidenceEntity {
  readonly id: string;
  readonly type: string;
  readonly types: readonly string[];
  readonly name: unknown;
  readonly attribute: string;
  readonly value: unknown;
  readonly unit: string;
  readonly time: string | null;
  readonly modifiedAt: string | null;
  readonly origin: string;
  readonly dataset: EvidenceDataset | null;
  readonly source: string;
  readonly licence: string;
  readonly note: Message | null;
  readonly byHand: EvidenceHand | null;
}

export interface EvidenceHand {
  readonly afterLoading: boolean;
  readonly at: string | null;
  readonly by: string | null;
}

export interface Fact {
  readonly name: Message;
  readonly text: Message | null;
  readonly date: string | null;
  readonly share: number | null;
}

export interface FigurePart {
  readonly title: Message;
  readonly kind: string;
  readonly key: string;
  readonly value: number | string | Message | null;
  readonly unit: Message | null;
}

export interface FigureValue {
  readonly name: Message;
  readonly value: number | string | Message | null;
  readonly unit: Message | null;
  readonly source: Message | null;
  readonly check: Message | null;
}

export interface FormField {
  readonly name: string;
  readonly words: Message;
  readonly kind: 'choice' | 'code' | 'entity' | 'flag' | 'integer' | 'json' | 'number' | 'part' | 'telephone' | 'text' | 'words';
  readonly required: boolean;
  readonly many: boolean;
  readonly choices: readonly Choice[];
  readonly register: string;
  readonly entityType: string;
  readonly length: number;
  readonly fields: readonly FormField[];
}

export interface GrantPart {
  readonly competency: string;
  readonly level: number;
  readonly role?: string;
}

export interface HandOver {
  readonly incident: string;
  readonly text: string;
}

export interface ImportAnswer {
  readonly token: string;
  readonly changes: readonly ChangeAnswer[];
}

export interface IncidentPage {
  readonly total: number;
  readonly incidents: readonly LiveEntity[];
}

export interface IncidentType {
  readonly code: string;
  readonly name: Message;
  readonly category: string;
  readonly severity?: string;
  readonly unitTypes?: readonly string[];
  readonly checklist?: readonly Message[];
}

export interface InjectPart {
  readonly afterSeconds: number;
  readonly kind: string;
  readonly title: Message;
  readonly entityType: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface Input {
  readonly id: string;
  readonly types: readonly string[];
  readonly scopes: readonly string[];
  readonly digest: string;
  readonly provenance: 'operation' | 'shipped' | 'replayed' | 'simulated' | 'computed' | 'demo' | 'failed' | 'handWritten' | 'unknown';
  readonly authors: readonly string[];
}

export interface KindHead {
  readonly name: string;
  readonly words: Message;
  readonly reviewed: boolean;
  readonly needsReason: boolean;
  readonly mayChange: boolean;
  readonly mayReview: boolean;
}

export interface KindListed {
  readonly name: string;
  readonly words: Message;
  readonly reviewed: boolean;
  readonly needsReason: boolean;
  readonly mayChange: boolean;
  readonly mayReview: boolean;
  readonly count: number;
  readonly drafts: number;
}

export interface KindPage {
  readonly name: string;
  readonly words: Message;
  readonly reviewed: boolean;
  readonly needsReason: boolean;
  readonly mayChange: boolean;
  readonly mayReview: boolean;
  readonly fields: readonly FormField[];
  readonly schema: Readonly<Record<string, unknown>>;
  readonly kept: readonly string[];
  readonly definitions: readonly DefinitionListed[];
  readonly deleted: readonly DeletedListed[];
}

export interface LatestChange {
  readonly kind: string;
  readonly kindWords: Message;
  readonly key: string;
  readonly title: Message;
  readonly changedAt: string;
  readonly version: VersionAnswer;
}

export interface NumberingRow {
  readonly code: string;
  readonly name: Message;
  readonly prefix?: string;
}

export interface ObjectiveRow {
  readonly code: string;
  readonly name: Message;
}

export interface OpenIncident {
  readonly incidentType: string;
  readonly severity: 'Unknown' | 'Minor' | 'Moderate' | 'Severe' | 'Extreme';
  readonly name?: Titles | string | null;
  readonly description?: string;
  readonly location?: { readonly type: 'Point'; readonly coordinates: readonly number[] } | null;
  readonly locationUnknown?: boolean;
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

export interface PlaceFound {
  readonly id: string;
  readonly name: Message;
  readonly kind: string;
  readonly level: string;
  readonly ref: string;
  readonly lon: number;
  readonly lat: number;
  readonly exact: boolean;
}

export interface PlacePart {
  readonly longitude: number;
  readonly latitude: number;
}

export interface PreviewHit {
  readonly entity: string;
  readonly name: Message | null;
  readonly severity: string;
  readonly values: readonly (Readonly<Record<string, unknown>>)[];
  readonly waits: boolean;
}

export interface ProblemDocument {
  readonly code: string;
  readonly detail: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly title: string;
  readonly type: string;
}

export interface ProgrammeAnswer {
  readonly plan: Readonly<Record<string, unknown>>;
  readonly release: ReleaseShown | null;
  readonly releases: readonly ReleaseHead[];
}

export interface ProgrammeRow {
  readonly code: string;
  readonly name: Message;
  readonly announcement: Message;
  readonly planBasis: Message;
  readonly signed: string;
  readonly signedWords: Message;
  readonly ends: string;
  readonly endsWords: Message;
  readonly letterhead?: readonly Message[];
  readonly signOff?: readonly Message[];
}

export interface ProposalAnswer {
  readonly id: string;
  readonly action: string;
  readonly words: Message | null;
  readonly subject: string;
  readonly content: unknown;
  readonly title: Message | null;
  readonly facts: readonly Fact[];
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
  readonly outdated: boolean;
  readonly waits: boolean;
}

export interface PutRule {
  readonly rule: string;
  readonly name: Titles;
  readonly enabled?: boolean;
  readonly definition: unknown;
}

export interface QuestionPart {
  readonly id: string;
  readonly text: Message;
  readonly choices: readonly Message[];
  readonly right: number;
  readonly why: Message;
}

export interface Ranking {
  readonly candidates: readonly CandidateAnswer[];
  readonly skipped: readonly (Readonly<Record<string, unknown>>)[];
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

export interface ReleaseHead {
  readonly id: string;
  readonly number: string;
  readonly year: number;
  readonly quarter: number;
  readonly asOf: string;
  readonly releasedAt: string;
  readonly releasedBy: string;
  readonly interim: boolean;
}

export interface ReleaseShown {
  readonly id: string;
  readonly number: string;
  readonly year: number;
  readonly quarter: number;
  readonly asOf: string;
  readonly releasedAt: string;
  readonly releasedBy: string;
  readonly interim: boolean;
  readonly figures: Readonly<Record<string, unknown>>;
  readonly inputsDigest: string;
  readonly note: string;
  readonly problems: string;
  readonly nextSteps: string;
}

export interface Requirement {
  readonly competency: string;
  readonly level: number;
}

export interface ReviewAsked {
  readonly proposal: string;
  readonly digest: string;
}

export interface RoleDefinition {
  readonly code: string;
  readonly words: Message;
  readonly permissions?: readonly string[];
  readonly sees?: readonly string[];
  readonly purpose?: string;
}

export interface RoleTasks {
  readonly role: string;
  readonly tasks: readonly TaskPart[];
}

export interface RowAnswer {
  readonly code: string;
  readonly row: Readonly<Record<string, unknown>>;
  readonly errors: readonly (Readonly<Record<string, unknown>>)[];
}

export interface RuleName {
  readonly th?: string;
  readonly en?: string;
}

export interface RulePart {
  readonly id: string;
  readonly name: Message;
  readonly definition: Readonly<Record<string, unknown>>;
}

export interface RulePreview {
  readonly count: number;
  readonly hits: readonly PreviewHit[];
  readonly looked: number;
  readonly whole: boolean;
  readonly open: number;
  readonly ends: number;
  readonly begins: number;
  readonly same: boolean;
  readonly needsHistory: boolean;
  readonly warnings: readonly (Readonly<Record<string, unknown>>)[];
}

export interface RuleRow {
  readonly code: string;
  readonly name: RuleName;
  readonly enabled?: boolean;
  readonly definition: Readonly<Record<string, unknown>>;
}

export interface ScenarioRow {
  readonly code: string;
  readonly name: Message;
  readonly briefing: Message;
  readonly mainPlace: PlacePart;
  readonly injects: readonly InjectPart[];
  readonly incidentTypes: readonly string[];
  readonly limitSeconds: number;
  readonly severities?: readonly string[];
  readonly placeWithinMetres?: number;
  readonly roleTasks?: readonly RoleTasks[];
  readonly instrumentDistrict?: string;
  readonly alertRules?: readonly RulePart[];
}

export interface SeeHandover {
  readonly incident: string;
}

export interface SetUnitStatus {
  readonly unit: string;
  readonly status: 'available' | 'outOfService';
  readonly note?: string;
}

export interface StaffRoleRow {
  readonly code: string;
  readonly name: Message;
  readonly posts: number;
  readonly basis: Message;
  readonly requires?: readonly Requirement[];
}

export interface StepPart {
  readonly id: string;
  readonly kind: string;
  readonly title: Message;
  readonly minutes: number;
  readonly body?: readonly Message[];
  readonly questions?: readonly QuestionPart[];
  readonly passShare?: number;
  readonly grants?: readonly GrantPart[];
  readonly scenarios?: readonly string[];
}

export interface Summary {
  readonly alerts: Readonly<Record<string, number>>;
  readonly unacknowledged: Readonly<Record<string, number>>;
  readonly incidents: Readonly<Record<string, number>>;
  readonly units: Readonly<Record<string, number>>;
}

export interface TakeAssignmentStep {
  readonly assignment: string;
  readonly step: 'assigned' | 'enRoute' | 'onScene' | 'clear' | 'cancelled';
  readonly farConfirmed?: boolean;
  readonly note?: string;
}

export interface TakeIncidentStep {
  readonly incident: string;
  readonly step: 'new' | 'triaged' | 'dispatched' | 'onScene' | 'controlled' | 'closed' | 'cancelled';
  readonly note?: string;
  readonly outcome?: string;
  readonly disposition?: 'real' | 'falseReport' | 'duplicate' | 'passedOn' | null;
}

export interface TaskPart {
  readonly kind: string;
  readonly points: number;
  readonly fullSeconds?: number;
  readonly noneSeconds?: number;
  readonly leastSeconds?: number;
  readonly why?: readonly Message[];
  readonly items?: readonly Message[];
}

export interface Titles {
  readonly th?: string;
  readonly en?: string;
}

export interface UnitType {
  readonly code: string;
  readonly name: Message;
  readonly mapSign?: string;
  readonly travels?: string;
}

export interface UnitTypeAnswer {
  readonly code: string;
  readonly name: Message;
  readonly icon: string;
  readonly travels: string;
}

export interface VersionAnswer {
  readonly number: number;
  readonly state: 'draft' | 'reviewed' | 'inForce' | 'replaced' | 'withdrawn';
  readonly document: Readonly<Record<string, unknown>> | null;
  readonly digest: string;
  readonly base: string;
  readonly author: PersonNamed | null;
  readonly at: string;
  readonly reason: string;
  readonly file: string;
  readonly fileDigest: string;
  readonly proposal: string;
  readonly reviewer: PersonNamed | null;
  readonly reviewedAt: string | null;
  readonly enforcedBy: PersonNamed | null;
  readonly inForceAt: string | null;
  readonly noticedAt: string | null;
  readonly replaces: number;
  readonly replacedAt: string | null;
  readonly withdrawnBy: PersonNamed | null;
  readonly withdrawnAt: string | null;
  readonly withdrawalReason: string;
}

export interface WithdrawalWaiting {
  readonly proposal: string;
  readonly digest: string;
  readonly acceptance: string;
  readonly reason: string;
  readonly enteredBy: PersonNamed;
  readonly at: string;
  readonly mayApprove: boolean;
  readonly mine: boolean;
}

export interface WithdrawnShown {
  readonly id: string;
  readonly deliverable: string;
  readonly share: number;
  readonly acceptedOn: string;
  readonly document: string;
  readonly acceptedBy: string;
  readonly enteredBy: string;
  readonly approvedBy: string;
  readonly reason: string;
  readonly withdrawnBy: string;
  readonly withdrawalApprovedBy: string;
  readonly withdrawnAt: string;
}
