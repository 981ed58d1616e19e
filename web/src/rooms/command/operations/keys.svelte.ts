/** Single keys of the queue. Each person can switch them off (WCAG 2.2, 2.1.4), because some tools send keys of their own. */
const STORE = 'andaman.keys';

class Keys {
  on: boolean = $state(typeof localStorage === 'undefined' || localStorage.getItem(STORE) !== 'off');

  set(on: boolean): void {
    this.on = on;
    localStorage.setItem(STORE, on ? 'on' : 'off');
  }
}
export const keys = new Keys();

/** Does this key belong to what has the focus: a field, a dialog, a menu? */
export function isTaken(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return true;
  const target = event.target as Element;
  return document.querySelector('dialog[open]') !== null || target.closest('input, select, textarea, [contenteditable], [role=combobox], [role=slider]') !== null;
}
