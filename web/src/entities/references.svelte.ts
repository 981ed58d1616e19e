/** Names of entities that are only referred to. */
import { api } from '$lib/api';
import { nameText } from '$lib/i18n.svelte';

/** Header with which the platform reads and writes short names. */
export const CONTEXT = { Link: '</ngsi-ld/contexts/andaman.jsonld>; rel="http://www.w3.org/ns/json-ld#context"' };

class References {
  #names: Record<string, unknown> = $state.raw({});
  #asked = new Set<string>();

  /** The name of an entity that no layer shows; empty until it is known. Call `ask` in an effect. */
  nameOf(id: string): string {
    return nameText(this.#names[id]);
  }
  ask(id: string): void {
    if (this.#asked.has(id)) return;
    this.#asked.add(id);
    api
      .get<{ name?: unknown }>(`/ngsi-ld/v1/entities/${encodeURIComponent(id)}`, { query: { attrs: 'name', options: 'keyValues' }, headers: CONTEXT })
      .then((found) => {
        const name = found.name as { languageMap?: unknown } | string | undefined;
        this.#names = { ...this.#names, [id]: typeof name === 'object' && name !== null && 'languageMap' in name ? name.languageMap : name };
      })
      .catch(() => {});
  }
}
export const references = new References();
