/** Which parts of the page are open; actions of the palette open them too. */
class View {
  /** On a phone one part at a time. */
  tab: 'queue' | 'map' | 'detail' = $state('queue');
  listOpen: boolean = $state(false);

  showList(): void {
    this.listOpen = true;
    this.tab = 'queue';
  }
}
export const view = new View();
