import prefixes from '$generated/prefixes.json';

/** False for paths of the server: links to them are ordinary requests. */
const isPage = (path: string): boolean => !prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));

/** The address bar is the state: path and query are reactive, links are ordinary links. */
class Router {
  path: string = $state('/');
  query: URLSearchParams = $state.raw(new URLSearchParams());

  init(): void {
    this.#read();
    addEventListener('popstate', () => this.#read());
    document.addEventListener('click', (event) => {
      if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      const link = (event.target as Element | null)?.closest?.('a');
      if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
      if (!isPage(link.pathname)) return;
      if (link.hash && link.pathname === location.pathname && link.search === location.search) return;
      event.preventDefault();
      this.go(link.pathname + link.search + link.hash);
    });
  }

  go(url: string, replace = false): void {
    history[replace ? 'replaceState' : 'pushState'](null, '', url);
    this.#read();
    if (!replace) document.querySelector('main')?.scrollTo(0, 0);
  }

  /** Change some query parameters in place (null removes); `push` makes a step for the Back button. */
  set(params: Record<string, string | null>, push = false): void {
    const query = new URLSearchParams(this.query);
    for (const [key, value] of Object.entries(params)) {
      if (value === null || value === '') query.delete(key);
      else query.set(key, value);
    }
    const text = query.toString().replaceAll('%2C', ',').replaceAll('%3A', ':').replaceAll('%2F', '/');
    if (text === this.query.toString().replaceAll('%2C', ',').replaceAll('%3A', ':').replaceAll('%2F', '/')) return;
    this.go(this.path + (text ? `?${text}` : ''), !push);
  }

  #read(): void {
    if (this.path !== location.pathname) this.path = location.pathname;
    this.query = new URLSearchParams(location.search);
  }
}
export const router = new Router();
