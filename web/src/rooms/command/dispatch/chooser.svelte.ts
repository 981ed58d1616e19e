/** The incident whose panel offers the nearest free units. */
class Chooser {
  incident: string | null = $state(null);
}
export const chooser = new Chooser();
