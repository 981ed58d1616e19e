export type Theme = 'dark' | 'light';
const STORE = 'andaman.theme';

class ThemeChoice {
  theme: Theme = $state('dark');

  init(): void {
    const saved = localStorage.getItem(STORE);
    const system: Theme = matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
    this.#apply(saved === 'dark' || saved === 'light' ? saved : system);
  }
  toggle(): void {
    this.#apply(this.theme === 'dark' ? 'light' : 'dark');
    localStorage.setItem(STORE, this.theme);
  }
  #apply(theme: Theme): void {
    this.theme = theme;
    document.documentElement.dataset['theme'] = theme;
  }
}
export const themeChoice = new ThemeChoice();

/** The present value of a colour token, for canvases (map, charts). Read themeChoice.theme first to be reactive. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
