/** Code lists that the platform keeps, because a city can edit them: each is asked for once. */
import { api } from '$lib/api';
import { nameText, type Message } from '$lib/i18n.svelte';
import { attributes } from '$generated/vocabulary';

export interface RegisterRow {
  code: string;
  name: Message;
}

class Registers {
  #rows: Readonly<Record<string, readonly RegisterRow[]>> = $state.raw({});
  #asked = new Set<string>();

  /** Ask for every register that the vocabulary names. Only people who are signed in may read them. */
  load(): void {
    for (const { register } of Object.values(attributes)) if (register) this.#ask(register);
  }
  /** Ask again: a row was edited. */
  reload(): void {
    this.#asked.clear();
    this.load();
  }
  #ask(path: string): void {
    if (this.#asked.has(path)) return;
    this.#asked.add(path);
    api
      .get<RegisterRow[]>(path)
      .then((rows) => (this.#rows = { ...this.#rows, [path]: rows }))
      .catch(() => this.#asked.delete(path)); // asked again with the next visit
  }

  /** The rows of a register, in its order; none before it is there. */
  rows<Row extends RegisterRow>(path: string): readonly Row[] {
    return (this.#rows[path] ?? []) as readonly Row[];
  }
  /** The name that a code has; empty when it is not known. */
  word(path: string, code: string): string {
    return nameText(this.rows(path).find((row) => row.code === code)?.name);
  }
}
export const registers = new Registers();
