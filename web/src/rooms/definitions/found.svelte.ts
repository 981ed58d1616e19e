/** What the frame shows of this room: definitions for the palette, and how many proposals wait for the reader. */
import { api } from '$lib/api';
import { nameText, t } from '$lib/i18n.svelte';
import type { Hit } from '$shell/room';
import { router } from '$shell/router.svelte';
import { session } from '$shell/session.svelte';
import type { KindListed, KindPage, ProposalAnswer } from '$generated/api';
import { kindPath } from './server.svelte';

const FRESH_MS = 60_000;

class Found {
  #pages: readonly KindPage[] = $state.raw([]);
  #waiting = $state(0);
  #asked = { search: 0, waiting: 0 };

  #due(what: 'search' | 'waiting'): boolean {
    if (Date.now() - this.#asked[what] < FRESH_MS) return false;
    this.#asked[what] = Date.now();
    return true;
  }

  /** Every definition that the reader may read; complete a moment after the palette opens. */
  search(): Hit[] {
    if (session.may('definition.read') && this.#due('search')) queueMicrotask(() => void this.#load());
    return this.#pages.flatMap((page) =>
      page.definitions.map((one) => ({
        id: `definition:${page.name}/${one.key}`,
        title: nameText(one.title) || one.key,
        hint: t(page.words),
        icon: 'list' as const,
        run: () => router.go(`/definitions/${encodeURIComponent(page.name)}/${encodeURIComponent(one.key)}`),
      })),
    );
  }
  async #load(): Promise<void> {
    try {
      const kinds = await api.get<KindListed[]>('/api/definitions');
      this.#pages = await Promise.all(kinds.map((kind) => api.get<KindPage>(kindPath(kind.name))));
    } catch {
      this.#asked.search = 0; // the next opening tries again
    }
  }

  /** Proposals that the reader can decide, and approved ones that are not in force. */
  waiting(): number {
    void router.path;
    if (session.may('proposal.read') && this.#due('waiting')) queueMicrotask(() => void this.#count());
    return this.#waiting;
  }
  async #count(): Promise<void> {
    try {
      const all = await api.get<ProposalAnswer[]>('/api/approvals');
      this.#waiting = all.filter((one) => (one.state === 'open' && one.mayApprove) || one.waits).length;
    } catch {
      this.#asked.waiting = 0;
    }
  }
  /** Something was proposed or decided. */
  forget(): void {
    this.#asked = { search: 0, waiting: 0 };
    if (session.may('proposal.read') && this.#due('waiting')) void this.#count();
  }
}
export const found = new Found();
