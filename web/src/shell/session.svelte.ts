/** Who is signed in. The public principal is a session too: it has the role "public" and sees open data. */
import { api, wire } from '$lib/api';
import type { Message } from '$lib/i18n.svelte';
import type { Permission } from '$generated/permissions';

export interface Principal {
  id: string;
  name: string;
  roles: string[];
  /** The names of the roles for people, in the same order. */
  roleNames: Message[];
  permissions: string[];
  agency?: string | null;
}
interface SignedIn {
  principal: Principal;
  csrf: string;
}

class Session {
  principal: Principal | null = $state.raw(null);
  /** False until the server was asked once. */
  known: boolean = $state(false);
  /** The session ended while a person worked; the screen stays and says so. */
  expired: boolean = $state(false);

  get signedIn(): boolean {
    return this.principal !== null && this.principal.roles.some((role) => role !== 'public');
  }
  /** Has this person the permission? Without one there is nothing to ask. The server decides; this only hides what it would refuse. */
  may(permission: Permission | undefined): boolean {
    return permission === undefined || (this.principal?.permissions.includes(permission) ?? false);
  }

  async load(): Promise<void> {
    wire.onSignedOut = () => {
      if (this.signedIn) this.expired = true;
    };
    // Buttons of a right that was taken away go, and what a person typed stays.
    wire.onRefused = () => void api.get<SignedIn>('/auth/me').then((answer) => this.#take(answer), () => {});
    try {
      this.#take(await api.get<SignedIn>('/auth/me'));
    } finally {
      this.known = true;
    }
  }
  async signIn(username: string, password: string): Promise<void> {
    this.#take(await api.post<SignedIn>('/auth/login', { username, password }));
    this.expired = false;
  }
  async signOut(): Promise<void> {
    await api.post('/auth/logout');
    this.principal = null;
    wire.csrf = '';
    await this.load();
  }
  #take(answer: SignedIn): void {
    this.principal = answer.principal;
    wire.csrf = answer.csrf ?? '';
  }
}
export const session = new Session();
